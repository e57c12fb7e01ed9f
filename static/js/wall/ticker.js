// The messages of a room on a projector: one new line at a time, however many are said. Pure.

/** @typedef {{n: number, name: string, role: string, text: string}} Line a message that was not withdrawn */

/** The least milliseconds between two new lines. */
const PACE = 2_000;
/** Where more messages than this wait for their turn, the older ones of them are left out. */
const BEHIND = 3;
/** The most lines that any screen has room for. */
const MOST = 10;

export class Ticker {
  constructor({ pace = PACE, behind = BEHIND, most = MOST } = {}) {
    this.pace = pace;
    this.behind = behind;
    this.most = most;
    this.last = 0; // the number of the newest line that had its turn
    /** @type {number[] | null} the numbers of the lines shown */
    this.shown = null;
    this.steppedAt = -Infinity;
  }

  /**
   * Returns the lines to show, and the milliseconds after which there is another one, null if none waits.
   * @param {Line[]} lines all messages that stand, by number
   * @param {number} now
   * @returns {{lines: Line[], due: number | null}}
   */
  take(lines, now) {
    if (this.shown === null) {
      this.shown = lines.slice(-this.most).map(({ n }) => n);
      this.steppedAt = now;
      this.last = this.shown[this.shown.length - 1] || 0;
    }
    let waiting = lines.filter(({ n }) => n > this.last);
    if (waiting.length > this.behind) waiting = waiting.slice(-this.behind);
    if (waiting.length && now - this.steppedAt >= this.pace) {
      const [next] = waiting;
      this.shown = [...this.shown, next.n].slice(-this.most);
      this.last = next.n;
      this.steppedAt = now;
      waiting = waiting.slice(1);
    }
    const byNumber = new Map(lines.map((line) => [line.n, line]));
    this.shown = this.shown.filter((n) => byNumber.has(n));
    return {
      lines: this.shown.map((n) => /** @type {Line} */ (byNumber.get(n))),
      due: waiting.length ? Math.max(0, this.steppedAt + this.pace - now) : null,
    };
  }
}
