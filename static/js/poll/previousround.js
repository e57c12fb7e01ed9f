// The tally of the round before, for a poll that is compared with it. That round is over and its tally final, so the
// page asks for it once.

import { isCompared } from "./tally.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Poll, Stream, Tally } from "../net/wire.d.ts" */

/** A failed request is repeated after this many milliseconds. */
const RETRY = 10_000;

export class PreviousRound {
  /**
   * @param {object} options
   * @param {Environment} options.env
   * @param {() => void} options.redraw
   * @param {boolean} [options.audience] asks for what everybody may see, whoever is signed in
   * @param {number} [options.spread] the pages of a hall ask within so many milliseconds when the round begins; a page
   *   that has just been loaded asks at once
   */
  constructor({ env, redraw, audience = true, spread = 0 }) {
    this.env = env;
    this.spread = spread;
    this.loadedAt = env.now();
    this.query = audience ? "?as=audience" : "";
    this.redraw = redraw;
    /** @type {string | null} */
    this.key = null;
    /** @type {Tally | null} */
    this.tally = null;
    this.askedAt = -Infinity;
  }

  /**
   * Returns the tally, or null: until it has arrived, where the poll is not compared, and where this reader may not see
   * it.
   * @param {{stream: Stream, poll: Poll, tally: Tally | null}} scene
   */
  tallyFor({ stream, poll, tally }) {
    if (!isCompared(poll) || !tally) return null;
    const key = `${stream} ${poll.round}`;
    if (key !== this.key) {
      this.key = key;
      this.tally = null;
      const now = this.env.now();
      const spread = this.spread && now - this.loadedAt > RETRY;
      this.askedAt = spread ? now - RETRY + this.env.random() * this.spread : -Infinity;
    }
    if (!this.tally && this.env.now() - this.askedAt >= RETRY) this.fetch(key, stream, poll.round);
    return this.tally;
  }

  /**
   * @param {string} key
   * @param {Stream} stream
   * @param {number} round
   */
  async fetch(key, stream, round) {
    this.askedAt = this.env.now();
    try {
      const response = await this.env.fetch(`${this.env.origin}/api/${stream}/rounds${this.query}`, {
        headers: { Accept: "application/json" },
      });
      if (!response.ok) return;
      const { items } = await response.json();
      if (key !== this.key) return;
      this.tally = items.filter((/** @type {Tally} */ each) => each.round < round).pop() || null;
      if (this.tally) this.redraw();
    } catch {
      // The next drawing asks again; until then this round stands alone.
    }
  }
}
