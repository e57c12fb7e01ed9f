// The queue of questions that a host decides about. Nothing in it moves under the hand: what was decided stays in its
// place for a while, and what is new comes to the end. Pure.

import { inOrder } from "../question/order.js";

/** @import { Question } from "../question/order.js" */

/** A decided question stays in its place for so many milliseconds, and can be taken back. */
const STAYS = 10_000;

/** @typedef {Question["state"]} QuestionState */

/**
 * @typedef {object} Decision
 * @property {QuestionState} state
 * @property {QuestionState} before
 * @property {number} at the time of the decision, or later of its confirmation
 * @property {"sending" | "unsent" | "done"} status
 * @property {boolean} isSeen whether the stream has brought it
 */

/** @typedef {{n: number, question: Question, isNew: boolean, decision: Decision | null}} QueueRow */

export class QuestionQueue {
  constructor(stays = STAYS) {
    this.stays = stays;
    /** @type {QueueRow[]} */
    this.rows = [];
    /** @type {Set<number>} the questions that were in the queue once */
    this.known = new Set();
    this.hasBegun = false;
  }

  /**
   * Takes the questions as they are now. While the queue is held, no row changes its place, and new ones are appended.
   * @param {Question[]} questions
   * @param {number} now
   * @param {boolean} isHeld
   */
  update(questions, now, isHeld) {
    const byNumber = new Map(questions.map((question) => [question.n, question]));
    for (const row of this.rows) {
      const question = byNumber.get(row.n);
      if (question) this.take(row, question, now);
    }
    this.rows = this.rows.filter((row) => byNumber.has(row.n) && !this.hasLeft(row, now));
    const placed = new Set(this.rows.map(({ n }) => n));
    const missing = questions.filter(({ n, state }) => !placed.has(n) && isOpen(state)).sort((a, b) => a.n - b.n);
    const added = missing.map((question) => ({
      n: question.n, question, decision: null, isNew: this.hasBegun && !this.known.has(question.n),
    }));
    this.rows = [...this.rows, ...added];
    for (const { n } of added) this.known.add(n);
    if (!isHeld && !this.rows.some(({ decision }) => decision)) this.arrange();
    this.hasBegun = true;
  }

  /**
   * @param {QueueRow} row
   * @param {Question} question
   * @param {number} now
   */
  take(row, question, now) {
    const { decision } = row;
    const before = row.question.state;
    const { state } = question;
    row.question = question;
    if (decision && decision.state === state) {
      decision.isSeen = true;
      if (state === decision.before && decision.status === "done") row.decision = null; // it is taken back
    } else if (decision && !decision.isSeen) {
      // The stream has not brought the decision yet.
    } else if (decision && state === decision.before) row.decision = null; // another host took it back
    else if (before !== state) row.decision = { state, before, at: now, status: "done", isSeen: true };
  }

  /** Puts the questions that wait first, then those that are shown in their order. */
  arrange() {
    const order = inOrder(this.rows.map(({ question }) => question));
    const waiting = order.filter(({ state }) => state === "pending").sort((a, b) => a.n - b.n);
    const places = new Map([...waiting, ...order.filter(({ state }) => state !== "pending")].map(({ n }, place) => [n, place]));
    this.rows.sort((a, b) => (places.get(a.n) || 0) - (places.get(b.n) || 0));
    for (const row of this.rows) row.isNew = false;
  }

  /**
   * Notes a decision, or that one is taken back. Returns false if the question has this state already.
   * @param {number} n
   * @param {QuestionState} state
   * @param {number} now
   * @param {{undo?: boolean}} options
   */
  decide(n, state, now, { undo = false } = {}) {
    const row = this.row(n);
    if (!row || stateOf(row) === state) return false;
    const before = undo ? state : stateOf(row);
    row.isNew = false;
    row.decision = { state, before, at: now, status: "sending", isSeen: false };
    return true;
  }

  /**
   * Notes what became of a decision: "done", "unsent" if nobody has answered yet, or "refused".
   * @param {number} n
   * @param {QuestionState} state
   * @param {"done" | "unsent" | "refused"} outcome
   * @param {number} now
   */
  settle(n, state, outcome, now) {
    const row = this.row(n);
    if (!row || !row.decision || row.decision.state !== state) return;
    const isBack = outcome === "done" && state === row.decision.before && state === row.question.state;
    if (outcome === "refused" || isBack) row.decision = null;
    else row.decision = { ...row.decision, status: outcome, at: now };
  }

  /**
   * Returns the row whose decision can be taken back: that of `n`, or else the one decided last.
   * @param {number | null} n
   * @returns {QueueRow | null}
   */
  undoable(n) {
    const decided = this.rows.filter(({ decision }) => decision);
    const own = decided.find((row) => row.n === n);
    const at = (/** @type {QueueRow} */ { decision }) => (decision ? decision.at : 0);
    return own || decided.reduce((last, row) => (last && at(last) >= at(row) ? last : row), /** @type {QueueRow | null} */ (null));
  }

  /**
   * Returns the row so many places after another; the row itself at the ends.
   * @param {number} n
   * @param {number} by
   */
  neighbor(n, by) {
    const place = this.rows.findIndex((row) => row.n === n);
    return this.rows[Math.max(0, Math.min(this.rows.length - 1, place + by))] || null;
  }

  /** @param {number} n */
  row(n) {
    return this.rows.find((row) => row.n === n) || null;
  }

  get newCount() {
    return this.rows.filter(({ isNew }) => isNew).length;
  }

  /** The first row that came while the queue was held. */
  get firstNew() {
    return this.rows.find(({ isNew }) => isNew) || null;
  }

  /** The milliseconds until the next row leaves; null if none will. */
  get nextLeave() {
    const times = this.rows.map(({ decision }) => (decision && decision.status === "done" ? decision.at + this.stays : Infinity));
    const next = Math.min(Infinity, ...times);
    return next === Infinity ? null : next;
  }

  /**
   * Whether a row has been decided for long enough. One that is being answered stays, and its decision is forgotten.
   * @param {QueueRow} row
   * @param {number} now
   */
  hasLeft(row, now) {
    const { decision } = row;
    if (!decision || decision.status !== "done" || now - decision.at < this.stays) return false;
    row.decision = null;
    return !isOpen(decision.state) || decision.before === "pending" && decision.state === "shown";
  }
}

/**
 * Whether a question is still to be dealt with.
 * @param {QuestionState} state
 */
function isOpen(state) {
  return state === "pending" || state === "shown" || state === "pinned";
}

/**
 * Returns the state that a row shows: the decided one, once there is one.
 * @param {QueueRow} row
 */
export function stateOf({ question, decision }) {
  return decision ? decision.state : question.state;
}

/**
 * Returns the questions of a stream, hidden ones too.
 * @param {Readonly<Record<string, any>>} values
 * @returns {Question[]}
 */
export function questionsOf(values) {
  return Object.keys(values).filter((key) => key.startsWith("question/")).map((key) => values[key]);
}
