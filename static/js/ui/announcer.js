// Speaks to screen readers through a live region: events at once, a count at most every 15 seconds.

/** @import { Environment } from "../net/environment.js" */

const GAP = 15_000;

export class Announcer {
  /**
   * @param {HTMLElement | null} element
   * @param {Environment} env
   */
  constructor(element, env) {
    this.element = element;
    this.env = env;
    /** @type {string | null} */
    this.last = null;
    this.announcedAt = -Infinity;
    /** @type {number | null} */
    this.timer = null;
    /** @type {string | null} */
    this.pending = null;
  }

  /**
   * Announces an event at once. The same text twice in a row is announced once.
   * @param {string} text
   */
  announce(text) {
    if (!this.element || text === this.last) return;
    this.last = text;
    this.element.textContent = text;
  }

  /**
   * Announces a text even if it was the last one. Screen readers notice only a text that changes, so a no-break space
   * tells the repetition from the original.
   * @param {string} text
   */
  repeat(text) {
    this.announce(text === this.last ? `${text}\u00a0` : text);
  }

  /**
   * Announces a text that keeps changing, such as a count: the newest one, once the gap is over. The first text is what
   * the reader finds on the page and is not announced.
   * @param {string} text
   */
  announceLater(text) {
    if (!this.element) return;
    if (this.pending === null) {
      this.pending = text;
      this.announcedAt = this.env.now();
      return;
    }
    if (text === this.pending) return;
    this.pending = text;
    if (this.timer) return;
    this.timer = this.env.setTimeout(() => {
      this.timer = null;
      this.announcedAt = this.env.now();
      this.announce(this.pending || "");
    }, Math.max(0, this.announcedAt + GAP - this.env.now()));
  }
}
