// The order of questions on a projector. Votes may change it many times a second; a hall sees it change once in a while.
// Pure.

/** @import { Question } from "../question/order.js" */

/** The least milliseconds between two changes of the order. */
const GAP = 2_000;

/**
 * @typedef {object} Arrangement
 * @property {Question | null} pinned the question that is being answered
 * @property {Question[]} rows the others, in the order to show
 * @property {number | null} due the milliseconds after which another order may be shown, if there is one
 */

export class CalmOrder {
  constructor(gap = GAP) {
    this.gap = gap;
    /** @type {number[]} */
    this.shown = [];
    /** @type {number | null} */
    this.pinned = null;
    this.changedAt = -Infinity;
  }

  /**
   * Returns what to show of the questions, which are given in their order. One that is gone leaves at once.
   * @param {Question[]} wanted
   * @param {number} now
   * @returns {Arrangement}
   */
  arrange(wanted, now) {
    const byNumber = new Map(wanted.map((question) => [question.n, question]));
    const order = wanted.map(({ n }) => n);
    const pinned = wanted.length && wanted[0].state === "pinned" ? order[0] : null;
    this.shown = this.shown.filter((n) => byNumber.has(n));
    if (this.pinned !== null && !byNumber.has(this.pinned)) this.pinned = null;
    let due = null;
    if (order.join() !== this.shown.join() || pinned !== this.pinned) {
      const rest = this.changedAt + this.gap - now;
      if (rest > 0) due = rest;
      else {
        this.shown = order;
        this.pinned = pinned;
        this.changedAt = now;
      }
    }
    const questions = this.shown.map((n) => /** @type {Question} */ (byNumber.get(n)));
    return {
      pinned: questions.find(({ n }) => n === this.pinned) || null,
      rows: questions.filter(({ n }) => n !== this.pinned),
      due,
    };
  }
}
