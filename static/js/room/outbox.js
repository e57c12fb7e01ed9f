// The messages that are being sent. Each has an id by which the server says it once, however often it is sent. They are
// sent one after the other, in the order in which they were written, and again until the server has answered.

import { backoff } from "../net/ladder.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Message } from "./messages.js" */

/**
 * A message that the stream has not brought yet: it is on its way; or it has not reached the server (it is sent again by
 * itself); or it waits until the server takes the next one; or it was refused; or it was said.
 * @typedef {object} Unsent
 * @property {string} id
 * @property {string} text
 * @property {number} [reply_to]
 * @property {boolean} [anonymous] of a question
 * @property {"sending" | "unreached" | "waiting" | "refused" | "said"} state
 * @property {ApiError} [error]
 * @property {number} [until] milliseconds of the page's clock
 * @property {number} [n] the number under which it was said
 */

/** `retry` is the milliseconds after which the server takes it. @typedef {{ok?: {n: number}, error?: ApiError, retry?: number}} Outcome */

/** What an entry has besides its text. @typedef {{reply_to?: number, anonymous?: boolean}} More */

/** @typedef {{load: () => unknown, save: (entries: object[]) => void}} UnsentStorage */

const MAX_KEPT = 50;

/** @param {More & {id: string, text: string}} entry */
function kept({ id, text, reply_to, anonymous }) {
  return { id, text, ...(reply_to ? { reply_to } : {}), ...(anonymous ? { anonymous } : {}) };
}

function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(36).padStart(2, "0")).join("");
}

export class Outbox {
  /**
   * @param {object} options
   * @param {(entry: Unsent) => Promise<Outcome | null>} options.send resolves with null when nobody answered
   * @param {() => void} options.onChange
   * @param {Environment} options.env
   * @param {() => string} [options.newId]
   * @param {UnsentStorage} [options.storage] keeps what was not sent when the page is loaded again
   * @param {string} [options.limit] the error of a limit that is waited for
   */
  constructor({ send, onChange, env, newId = randomId, storage, limit = "slow" }) {
    this.send = send;
    this.changed = onChange;
    this.env = env;
    this.newId = newId;
    this.storage = storage;
    this.limit = limit;
    /** @type {Unsent[]} */
    this.entries = [];
    this.tries = 0;
    this.isSending = false;
    /** @type {number | null} */
    this.timer = null;
  }

  /** Sends again what was on its way when the page was left. */
  restore() {
    const stored = this.storage ? this.storage.load() : [];
    for (const each of Array.isArray(stored) ? stored.slice(0, MAX_KEPT) : []) {
      if (!each || typeof each.id !== "string" || typeof each.text !== "string") continue;
      this.entries.push({ ...kept(each), state: "sending" });
    }
    if (this.entries.length) this.deliver();
  }

  /**
   * @param {string} text
   * @param {More} more
   */
  add(text, more = {}) {
    this.entries.push({ ...kept({ ...more, id: this.newId(), text }), state: "sending" });
    this.update();
    this.deliver();
  }

  /** Milliseconds until the server takes the next message; 0 if it does now. */
  get wait() {
    const entry = this.entries.find(({ state }) => state === "waiting");
    return entry ? Math.max(0, (entry.until || 0) - this.env.now()) : 0;
  }

  /**
   * Sends a message again that was refused, or at once what would be sent again later.
   * @param {string} id
   */
  retry(id) {
    const entry = this.entries.find((each) => each.id === id);
    if (!entry || entry.state === "said") return;
    this.mark(entry, "sending");
    this.retryNow();
  }

  /** @param {string} id */
  discard(id) {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    this.update();
  }

  /** Sends at once what the server could not be asked, for example when the connection is back. */
  retryNow() {
    if (this.isSending) return;
    this.tries = 0;
    this.deliver();
  }

  /**
   * Takes a message of the stream: it may have been said although the answer was lost.
   * @param {Message} message
   * @param {string} me
   */
  confirm(message, me) {
    const entry = message.from === me ? this.entries.find(({ id }) => id === message.id) : undefined;
    if (!entry || entry.state === "said") return;
    entry.n = message.n;
    this.mark(entry, "said");
  }

  /**
   * Takes off what the stream has brought.
   * @param {(number: number) => unknown} isHeld
   */
  settle(isHeld) {
    const left = this.entries.filter(({ n }) => n === undefined || !isHeld(n));
    if (left.length === this.entries.length) return;
    this.entries = left;
    this.update();
  }

  async deliver() {
    this.env.clearTimeout(this.timer);
    this.timer = null;
    if (this.isSending) return;
    const entry = this.entries.find(({ state }) => state === "sending" || state === "unreached" || state === "waiting");
    if (!entry) return;
    this.isSending = true;
    const outcome = await this.send(entry);
    this.isSending = false;
    if (entry.state !== "said" && this.entries.includes(entry)) this.take(entry, outcome);
    else this.deliver();
  }

  /**
   * @param {Unsent} entry
   * @param {Outcome | null} outcome
   */
  take(entry, outcome) {
    if (outcome && outcome.ok) {
      this.tries = 0;
      entry.n = outcome.ok.n;
      this.mark(entry, "said");
      this.deliver();
    } else if (outcome && outcome.retry === undefined) {
      this.tries = 0;
      this.mark(entry, "refused", outcome.error);
      this.deliver();
    } else {
      const wait = (outcome && outcome.retry) || backoff(this.tries, this.env.random);
      this.tries += 1;
      entry.until = this.env.now() + wait;
      const isSlow = outcome !== null && outcome.error !== undefined && outcome.error.code === this.limit;
      if (!isSlow) for (const each of this.entries) if (each.state === "sending") each.state = "unreached";
      this.mark(entry, isSlow ? "waiting" : "unreached", outcome ? outcome.error : undefined);
      this.timer = this.env.setTimeout(() => this.deliver(), wait);
    }
  }

  /**
   * @param {Unsent} entry
   * @param {Unsent["state"]} state
   * @param {ApiError} [error]
   */
  mark(entry, state, error) {
    entry.state = state;
    entry.error = error;
    this.update();
  }

  update() {
    if (this.storage) {
      this.storage.save(this.entries.filter(({ state }) => state !== "said" && state !== "refused").map(kept));
    }
    this.changed();
  }
}
