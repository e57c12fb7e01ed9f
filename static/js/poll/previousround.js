// The tally of the round before, for a poll that is to be compared with it. It changes no more, so it is asked for once.

import { isCompared } from "./tally.js";

const AGAIN = 10_000;

export class Earlier {
  /** `audience`: as everybody sees it, whoever asks. `spread`: where the round begins before many pages at once, the
   * first question comes within so many ms; a page that has just been loaded asks at once. */
  constructor({ env, redraw, audience = true, spread = 0 }) {
    this.env = env;
    this.spread = spread;
    this.madeAt = env.now();
    this.query = audience ? "?as=audience" : "";
    this.redraw = redraw;
    this.key = null;
    this.tally = null;
    this.askedAt = -Infinity;
  }

  /** The tally, or null: until it is there, where it is not asked for, and where this reader may not see it. */
  of({ stream, poll, tally }) {
    if (!isCompared(poll) || !tally) return null;
    const key = `${stream} ${poll.round}`;
    if (key !== this.key) {
      this.key = key;
      this.tally = null;
      const now = this.env.now();
      this.askedAt = this.spread && now - this.madeAt > AGAIN ? now - AGAIN + this.env.random() * this.spread : -Infinity;
    }
    if (!this.tally && this.env.now() - this.askedAt >= AGAIN) this.ask(key, stream, poll.round);
    return this.tally;
  }

  async ask(key, stream, round) {
    this.askedAt = this.env.now();
    try {
      const response = await this.env.fetch(`${this.env.origin}/api/${stream}/rounds${this.query}`, {
        headers: { Accept: "application/json" },
      });
      if (!response.ok) return;
      const { items } = await response.json();
      if (key !== this.key) return;
      this.tally = items.filter((each) => each.round < round).pop() || null;
      if (this.tally) this.redraw();
    } catch {
      // Asked again when the picture changes; without it this round stands alone.
    }
  }
}
