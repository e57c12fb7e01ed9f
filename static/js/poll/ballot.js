// One's own ballot: what was tapped, what is under way, what is safe. A ballot is idempotent, so it is sent again
// without asking until it is answered; the newest wish wins.

import { backoff } from "../net/ladder.js";

const NONE = Object.freeze({ choices: [], receipt: null, round: null });

export class Ballot {
  /**
   * `send({choices, round, code})` and `retract({round})` resolve with {ok} or {error: {code, …}, retry?} or, when nobody
   * answered, null. `load()` resolves with the stored ballot, null when there is none, undefined when unknown.
   */
  constructor({ send, retract, load, changed, env }) {
    this.calls = { send, retract, load };
    this.changed = changed;
    this.env = env;
    this.safe = NONE;
    this.wish = null; // {choices, round} that is not safe yet
    this.busy = false;
    this.tries = 0;
    this.error = null;
    this.timer = null;
    this.needsCode = false; // the poll takes ballots with a code only, and this browser is not known by one yet
  }

  /** What to show as pressed. */
  get choices() {
    return this.wish ? this.wish.choices : this.safe.choices;
  }

  /** idle, sending, retrying, safe, retracted or refused. */
  get phase() {
    if (this.wish) return this.tries > 1 ? "retrying" : "sending";
    if (this.error) return "refused";
    if (this.safe.receipt) return "safe";
    return this.tookBack ? "retracted" : "idle";
  }

  start(stored, round, needsCode = false) {
    this.needsCode = needsCode;
    this.safe = stored && stored.round === round ? stored : NONE;
    this.round = round;
  }

  /** A new round: what belonged to the old one is over; ask what this one holds. */
  async enter(round) {
    if (this.round === round) return;
    this.round = round;
    this.env.clearTimeout(this.timer);
    this.wish = null;
    this.error = null;
    this.tookBack = false;
    this.safe = NONE;
    this.changed();
    await this.reload();
  }

  async reload() {
    const round = this.round;
    const stored = await this.calls.load();
    if (stored === undefined || this.round !== round || this.wish) return;
    this.safe = stored && stored.round === round ? stored : NONE;
    this.changed();
  }

  cast(choices, code = "") {
    this.wish = { choices, round: this.round, ...(code ? { code } : {}) };
    this.begin();
  }

  takeBack() {
    this.wish = { choices: [], round: this.round };
    this.begin();
  }

  begin() {
    this.error = null;
    this.tookBack = false;
    this.tries = 0;
    this.env.clearTimeout(this.timer);
    this.changed();
    if (!this.busy) this.deliver();
  }

  async deliver() {
    const wish = this.wish;
    if (!wish) return;
    this.busy = true;
    this.tries += 1;
    if (this.tries > 1) this.changed();
    const answer = await (wish.choices.length ? this.calls.send(wish) : this.calls.retract({ round: wish.round }));
    this.busy = false;
    if (this.wish !== wish) {
      // Tapped again meanwhile; the newer wish goes out now.
      if (this.wish) this.deliver();
      return;
    }
    if (!answer || answer.retry !== undefined) {
      const wait = answer && answer.retry ? answer.retry : backoff(this.tries - 1, this.env.random);
      this.timer = this.env.setTimeout(() => this.deliver(), wait);
      return;
    }
    this.wish = null;
    if (answer.ok) {
      if (answer.ok.receipt) this.needsCode = false;
      this.safe = answer.ok.receipt ? answer.ok : NONE;
      this.tookBack = !answer.ok.receipt;
      this.changed();
      return;
    }
    this.error = answer.error;
    if (answer.error.code === "bad_code") this.needsCode = true;
    this.changed();
    if (answer.error.code !== "closed") this.reload();
  }
}

/** Codes that only say "not now". */
const TRANSIENT = new Set(["draining", "unavailable", "rate", "internal"]);

/** An error object of the server as an answer: either to be repeated after a while, or final. */
export function judged(error, retryAfter = 0) {
  return TRANSIENT.has(error.code) ? { error, retry: retryAfter } : { error };
}

/**
 * Ballots over the page's WebSocket where there is one, over HTTP otherwise or when the socket falls silent.
 * `learned(needsCode)` is called with what the server says of codes whenever the stored ballot is loaded.
 */
export function ballotCalls({ poll, live, env, learned = () => {} }) {
  const url = `${env.origin}/api/polls/${poll}`;
  const ask = async (path, options) => {
    try {
      const response = await env.fetch(url + path, { cache: "no-store", credentials: "same-origin", ...options });
      const body = await response.json();
      if (response.ok) return { ok: body };
      const seconds = Number(response.headers.get("Retry-After")) || 0;
      return body.error ? judged(body.error, seconds * 1000) : null;
    } catch {
      return null; // no answer, or one that is not the server's
    }
  };
  const overSocket = async (act) => {
    const answer = await live.act(act);
    if (!answer) return null;
    return answer.ok ? { ok: answer.ok } : judged(answer.error);
  };
  const json = (method, body) => ({
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return {
    send: async (wish) => (await overSocket({ do: "vote", poll, ...wish })) || ask("/ballot", json("PUT", wish)),
    retract: async ({ round }) => (await overSocket({ do: "retract", poll, round })) || ask("/ballot", { method: "DELETE" }),
    load: async () => {
      const answer = await ask("", {});
      if (!answer || !answer.ok) return undefined;
      learned(Boolean(answer.ok.needs_code));
      return answer.ok.ballot;
    },
  };
}
