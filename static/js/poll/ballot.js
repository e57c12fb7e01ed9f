// The voter's own ballot: what was tapped, what is being sent, what the server has stored. A ballot is idempotent, so it
// is sent again until it is answered; the newest choice wins.

import { backoff } from "../net/ladder.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { ApiError, Reply, StoredBallot } from "../net/wire.d.ts" */

/** @type {Readonly<StoredBallot>} */
const NONE = Object.freeze({ choices: [], receipt: null, round: null });

/** @typedef {{choices: string[], round: number, code?: string}} Choice what is not stored yet; no choices: a retraction */

/**
 * What became of a request: stored, refused, or to be repeated after `retry` milliseconds (0: after the usual wait).
 * @typedef {{ok?: StoredBallot, error?: ApiError, retry?: number}} Outcome
 */

/**
 * Each resolves with null when nobody answered. `load` resolves with null if there is no ballot, and with undefined
 * where that is unknown.
 * @typedef {object} BallotRequests
 * @property {(choice: Choice) => Promise<Outcome | null>} send
 * @property {(choice: {round: number}) => Promise<Outcome | null>} retract
 * @property {() => Promise<StoredBallot | null | undefined>} load
 */

export class Ballot {
  /** @param {BallotRequests & {onChange: () => void, env: Environment}} options */
  constructor({ send, retract, load, onChange, env }) {
    this.requests = { send, retract, load };
    this.changed = onChange;
    this.env = env;
    /** @type {StoredBallot} */
    this.stored = NONE;
    /** @type {Choice | null} */
    this.pending = null;
    /** @type {number} */
    this.round = 0;
    this.sending = false;
    this.retracted = false;
    this.tries = 0;
    /** @type {ApiError | null} */
    this.error = null;
    /** @type {number | null} */
    this.timer = null;
    /** Whether the poll takes ballots with a code only, and the server does not know this browser by one yet. */
    this.needsCode = false;
  }

  /** The choices to show as pressed. */
  get choices() {
    return this.pending ? this.pending.choices : this.stored.choices;
  }

  /** @returns {"idle" | "sending" | "retrying" | "safe" | "retracted" | "refused"} */
  get phase() {
    if (this.pending) return this.tries > 1 ? "retrying" : "sending";
    if (this.error) return "refused";
    if (this.stored.receipt) return "safe";
    return this.retracted ? "retracted" : "idle";
  }

  /**
   * @param {StoredBallot | null} stored
   * @param {number} round
   */
  start(stored, round, needsCode = false) {
    this.needsCode = needsCode;
    this.stored = stored && stored.round === round ? stored : NONE;
    this.round = round;
  }

  /**
   * Begins a new round: forgets what belongs to the old one and loads the ballot of this one.
   * @param {number} round
   */
  async enterRound(round) {
    if (this.round === round) return;
    this.round = round;
    this.env.clearTimeout(this.timer);
    this.pending = null;
    this.error = null;
    this.retracted = false;
    this.stored = NONE;
    this.changed();
    await this.reload();
  }

  async reload() {
    const { round } = this;
    const stored = await this.requests.load();
    if (stored === undefined || this.round !== round || this.pending) return;
    this.stored = stored && stored.round === round ? stored : NONE;
    this.changed();
  }

  /** @param {string[]} choices */
  cast(choices, code = "") {
    this.pending = { choices, round: this.round, ...(code ? { code } : {}) };
    this.begin();
  }

  retract() {
    this.pending = { choices: [], round: this.round };
    this.begin();
  }

  begin() {
    this.error = null;
    this.retracted = false;
    this.tries = 0;
    this.env.clearTimeout(this.timer);
    this.changed();
    if (!this.sending) this.deliver();
  }

  async deliver() {
    const choice = this.pending;
    if (!choice) return;
    this.sending = true;
    this.tries += 1;
    if (this.tries > 1) this.changed();
    const { send, retract } = this.requests;
    const outcome = await (choice.choices.length ? send(choice) : retract({ round: choice.round }));
    this.sending = false;
    if (this.pending !== choice) {
      // The voter chose again while the request was under way: the newer choice goes out now, never beside the older.
      if (this.pending) this.deliver();
      return;
    }
    if (!outcome || outcome.retry !== undefined) {
      const wait = (outcome && outcome.retry) || backoff(this.tries - 1, this.env.random);
      this.timer = this.env.setTimeout(() => this.deliver(), wait);
      return;
    }
    this.pending = null;
    if (outcome.ok) this.accepted(outcome.ok);
    else this.refused(outcome.error || { code: "internal" });
  }

  /** @param {StoredBallot} ballot */
  accepted(ballot) {
    if (ballot.receipt) this.needsCode = false;
    this.stored = ballot.receipt ? ballot : NONE;
    this.retracted = !ballot.receipt;
    this.changed();
  }

  /** @param {ApiError} error */
  refused(error) {
    this.error = error;
    if (error.code === "bad_code") this.needsCode = true;
    this.changed();
    if (error.code !== "closed") this.reload();
  }
}

/** Errors that only mean "not now". */
const TRANSIENT = new Set(["draining", "unavailable", "rate", "internal"]);

/**
 * Returns the outcome of an error: to be repeated after a while, or final.
 * @param {ApiError} error
 * @returns {Outcome}
 */
export function classifyError(error, retryAfter = 0) {
  return TRANSIENT.has(error.code) ? { error, retry: retryAfter } : { error };
}

/**
 * Returns the requests of one poll's ballot. They go over the page's WebSocket where there is one, and over HTTP
 * otherwise and when the socket falls silent. `onCodeKnown` is called with whether the server still asks for a code,
 * each time the stored ballot is loaded.
 * @param {{poll: string, live: LiveStreams, env: Environment, onCodeKnown?: (needsCode: boolean) => void}} options
 * @returns {BallotRequests}
 */
export function ballotRequests({ poll, live, env, onCodeKnown = () => {} }) {
  const url = `${env.origin}/api/polls/${poll}`;
  const overHttp = async (/** @type {string} */ path, /** @type {RequestInit} */ options) => {
    try {
      const response = await env.fetch(url + path, { cache: "no-store", credentials: "same-origin", ...options });
      const body = await response.json();
      if (response.ok) return { ok: body };
      const seconds = Number(response.headers.get("Retry-After")) || 0;
      return body.error ? classifyError(body.error, seconds * 1000) : null;
    } catch {
      return null; // no answer, or one from a proxy and not from the server
    }
  };
  const overSocket = async (/** @type {object} */ message) => {
    /** @type {Reply | null} */
    const reply = await live.request(message);
    if (!reply) return null;
    return reply.error && !reply.ok ? classifyError(reply.error) : { ok: reply.ok };
  };
  const put = (/** @type {Choice} */ choice) => ({
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(choice),
  });
  return {
    send: async (choice) => (await overSocket({ do: "vote", poll, ...choice })) || overHttp("/ballot", put(choice)),
    retract: async ({ round }) => (await overSocket({ do: "retract", poll, round })) || overHttp("/ballot", { method: "DELETE" }),
    load: async () => {
      const outcome = await overHttp("", {});
      if (!outcome || !("ok" in outcome) || !outcome.ok) return undefined;
      onCodeKnown(Boolean(outcome.ok.needs_code));
      return outcome.ok.ballot;
    },
  };
}
