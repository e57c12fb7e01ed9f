// Asks the server for parts of one step's log: lines around a place, and where a text occurs.

/** @import { Environment } from "../net/environment.js" */
/** @import { LogEnd } from "../net/wire.d.ts" */
/** @import { Line } from "./linecache.js" */

// The page holds what it needs; the browser is not to keep the rest either.
const OPTIONS = /** @type {const} */ ({ headers: { Accept: "application/json" }, cache: "no-store" });

/** @typedef {LogEnd & {items: Line[], redraws?: boolean}} LinesAnswer */
/** @typedef {{items: {n: number}[], count: number, next: string | null}} SearchAnswer */

export class LogSource {
  /**
   * @param {string} task
   * @param {string} step
   * @param {Environment} env
   */
  constructor(task, step, env) {
    this.address = `/api/tasks/${encodeURIComponent(task)}/logs/${encodeURIComponent(step)}`;
    this.env = env;
    this.stopped = new env.AbortController();
    /** @type {AbortController | null} */
    this.searching = null;
  }

  stop() {
    this.stopped.abort();
    if (this.searching) this.searching.abort();
  }

  /**
   * Resolves with lines from a number on, or with the last ones for a negative number. Rejects with an Error that has a
   * `code`, or with an AbortError after stop().
   * @param {number} from
   * @param {number} count
   * @returns {Promise<LinesAnswer>}
   */
  lines(from, count) {
    return this.fetch(`${this.address}/lines?from=${from}&count=${count}`);
  }

  /**
   * Resolves with the lines from `from` on that contain a text. Cancels the search before it.
   * @param {string} text
   * @param {number} from
   * @returns {Promise<SearchAnswer>}
   */
  search(text, from) {
    if (this.searching) this.searching.abort();
    this.searching = new this.env.AbortController();
    const query = new URLSearchParams({ q: text, from: String(from), limit: "100" });
    return this.fetch(`${this.address}/search?${query}`, this.searching);
  }

  /** @param {string} address */
  async fetch(address, { signal } = this.stopped) {
    const response = await this.env.fetch(address, { ...OPTIONS, signal });
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
    return answer;
  }
}
