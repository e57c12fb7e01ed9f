// Limits how often something is drawn, for tables that a screen reader may be reading: it would lose its place.

/** @import { Environment } from "../net/environment.js" */

export class Throttle {
  /**
   * @param {Environment} env
   * @param {number} gap the milliseconds between two drawings
   * @param {() => void} draw
   */
  constructor(env, gap, draw) {
    this.env = env;
    this.gap = gap;
    this.draw = draw;
    this.drawnAt = -Infinity;
    /** @type {number | null} */
    this.timer = null;
  }

  /** Draws at once where the last drawing is long enough ago or of something else, and otherwise when the gap is over. */
  request({ isNew = false } = {}) {
    const due = isNew ? 0 : this.drawnAt + this.gap - this.env.now();
    if (due <= 0) this.run();
    else if (this.timer === null) this.timer = this.env.setTimeout(() => this.run(), due);
  }

  run() {
    this.stop();
    this.drawnAt = this.env.now();
    this.draw();
  }

  /** Draws nothing more until the next request. */
  stop() {
    this.env.clearTimeout(this.timer);
    this.timer = null;
  }
}
