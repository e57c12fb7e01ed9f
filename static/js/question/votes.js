// The reader's own votes for questions. A press is shown at once; it is sent until the server has answered, which may be
// done any number of times, and taken back if the server refuses it.

/** @import { Environment } from "../net/environment.js" */
/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Answer } from "../net/calls.js" */

const AGAIN = 3_000;
/** The figures have a vote by now. */
const COUNTED = 2_000;

/**
 * What the reader wants and the figures do not say yet. `from` are the votes when it was pressed, with the reader's own if
 * `had`.
 * @typedef {{up: boolean, from: number, had: boolean, isSending: boolean, isSure: boolean}} Pressed
 */

export class Votes {
  /**
   * @param {object} options
   * @param {(n: number, up: boolean) => Promise<Answer | null>} options.send resolves with null when nobody answered
   * @param {() => void} options.onChange
   * @param {(error: ApiError) => void} options.onRefused
   * @param {Environment} options.env
   */
  constructor({ send, onChange, onRefused, env }) {
    this.send = send;
    this.changed = onChange;
    this.refused = onRefused;
    this.env = env;
    /** @type {Set<number>} the questions that the server knows to be voted for */
    this.own = new Set();
    /** @type {Map<number, Pressed>} */
    this.pressed = new Map();
  }

  /**
   * Takes votes that the server holds. Those that were cast while the answer was on its way are not in it.
   * @param {number[]} numbers
   */
  take(numbers) {
    for (const n of numbers) this.own.add(n);
    this.changed();
  }

  /** @param {number} n */
  isOn(n) {
    const pressed = this.pressed.get(n);
    return pressed ? pressed.up : this.own.has(n);
  }

  /**
   * Returns the number to show: with the reader's own vote, although the figures may not have it yet.
   * @param {{n: number, votes: number}} question
   */
  shown({ n, votes }) {
    const pressed = this.pressed.get(n);
    if (!pressed) return votes;
    if (votes === pressed.from) return Math.max(0, votes + Number(pressed.up) - Number(pressed.had));
    if (pressed.isSure) this.pressed.delete(n);
    return votes;
  }

  /** @param {{n: number, votes: number}} question */
  toggle({ n, votes }) {
    const before = this.pressed.get(n);
    const up = !this.isOn(n);
    const from = before ? before.from : votes;
    const had = before ? before.had : this.own.has(n);
    this.pressed.set(n, { up, from, had, isSending: before ? before.isSending : false, isSure: false });
    this.changed();
    this.deliver(n);
  }

  /** Sends at once what nobody has answered, for example when the connection is back. */
  retryNow() {
    for (const n of this.pressed.keys()) this.deliver(n);
  }

  /** @param {number} n */
  async deliver(n) {
    const pressed = this.pressed.get(n);
    if (!pressed || pressed.isSending || pressed.isSure) return;
    pressed.isSending = true;
    const { up } = pressed;
    const answer = await this.send(n, up);
    const now = this.pressed.get(n);
    if (now) now.isSending = false;
    if (!now) return;
    if (!answer || answer.retry !== undefined) {
      this.env.setTimeout(() => this.deliver(n), (answer && answer.retry) || AGAIN);
      return;
    }
    if (answer.ok) {
      if (up) this.own.add(n);
      else this.own.delete(n);
      if (now.up !== up) {
        this.deliver(n);
        return;
      }
      now.isSure = true;
      this.env.setTimeout(() => this.forget(n, now), COUNTED);
    } else {
      this.pressed.delete(n);
      if (answer.error) this.refused(answer.error);
    }
    this.changed();
  }

  /**
   * @param {number} n
   * @param {Pressed} pressed
   */
  forget(n, pressed) {
    if (this.pressed.get(n) !== pressed || !pressed.isSure) return;
    this.pressed.delete(n);
    this.changed();
  }
}
