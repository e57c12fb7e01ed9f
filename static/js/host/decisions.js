// Sends decisions about questions until the server has answered. A decision may be sent any number of times; one that is
// overtaken by another is not sent any more.

/** @import { Environment } from "../net/environment.js" */
/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { CallOutcome } from "./commandqueue.js" */
/** @import { Call } from "./commands.js" */
/** @import { QuestionState } from "./queue.js" */

/** Errors that only mean "not now". */
const TRANSIENT = new Set(["unreached", "draining", "unavailable", "rate", "internal"]);

const AGAIN = 3_000;

/** @typedef {{n: number, state: QuestionState, before: QuestionState}} Sent */

export class Decisions {
  /**
   * @param {object} options
   * @param {string} options.code of the wall
   * @param {(call: Call) => Promise<CallOutcome>} options.call runs a call after the commands before it
   * @param {(n: number) => QuestionState | null} options.stateOf the state of a question as it is known now
   * @param {(n: number, state: QuestionState, outcome: "done" | "unsent" | "refused", error?: ApiError) => void} options.onOutcome
   * @param {Environment} options.env
   */
  constructor({ code, call, stateOf, onOutcome, env }) {
    this.path = `/api/walls/${encodeURIComponent(code)}/questions`;
    this.call = call;
    this.stateOf = stateOf;
    this.onOutcome = onOutcome;
    this.env = env;
    /** @type {Map<number, Sent>} */
    this.latest = new Map();
    /** @type {Map<number, number>} */
    this.timers = new Map();
  }

  /**
   * @param {number} n
   * @param {QuestionState} state
   * @param {QuestionState} before the state that the host saw
   */
  send(n, state, before) {
    const sent = { n, state, before };
    this.latest.set(n, sent);
    return this.attempt(sent);
  }

  /** Tries again at once, for example when the connection is back. */
  retryNow() {
    for (const [n, timer] of this.timers) {
      this.env.clearTimeout(timer);
      this.timers.delete(n);
      const sent = this.latest.get(n);
      if (sent) this.again(sent);
    }
  }

  /** @param {Sent} sent */
  async attempt(sent) {
    const { n, state } = sent;
    const { ok, error } = await this.call({ method: "PUT", path: `${this.path}/${n}`, body: { state } });
    if (this.latest.get(n) !== sent) return;
    if (ok || !error || !TRANSIENT.has(error.code)) {
      this.latest.delete(n);
      this.onOutcome(n, state, ok ? "done" : "refused", error);
      return;
    }
    this.onOutcome(n, state, "unsent");
    this.timers.set(n, this.env.setTimeout(() => this.again(sent), AGAIN));
  }

  /**
   * Sends a decision again, unless somebody else has decided meanwhile.
   * @param {Sent} sent
   */
  again(sent) {
    const { n, state, before } = sent;
    this.timers.delete(n);
    if (this.latest.get(n) !== sent) return;
    const now = this.stateOf(n);
    if (now === before || now === state) {
      this.attempt(sent);
      return;
    }
    this.latest.delete(n);
    this.onOutcome(n, state, "refused", { code: "conflict" });
  }

  /**
   * Writes the answer to a question, or removes it.
   * @param {number} n
   * @param {string} answer
   */
  answer(n, answer) {
    return this.call({ method: "PUT", path: `${this.path}/${n}`, body: { answer: answer || null } });
  }
}
