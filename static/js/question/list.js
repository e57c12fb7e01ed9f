// The questions on the page. Nothing in the list moves while somebody points at it or has the keyboard in it; a moment
// after they left, everything takes the place in which it belongs.

import { h, setText } from "../ui/dom.js";
import { QuestionRow } from "./row.js";
import { Hold, arrange } from "./stillorder.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Question } from "./order.js" */
/** @import { Votes } from "./votes.js" */

/** So many milliseconds after the pointer left, the list takes its order. */
const REST = 1_500;

export class QuestionList {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, number: FormatNumber, env: Environment, votes: Votes}} tools
   */
  constructor(element, { texts, number, env, votes }) {
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.votes = votes;
    this.hold = new Hold(REST);
    this.fresh = h("button", { type: "button", onclick: () => this.release() });
    this.above = h("p", { class: "fresh", hidden: true }, this.fresh);
    this.none = h("p", { class: "quiet none" }, texts.say("question.none"));
    this.open = h("ol", { class: "questions" });
    this.summary = h("summary", {});
    this.answered = h("ol", { class: "questions" });
    this.folded = h("details", { hidden: true }, this.summary, this.answered);
    this.isDrawn = false;
    this.element = element;
    /** @type {Map<number, QuestionRow>} */
    this.rows = new Map();
    /** @type {number[][]} the keys on the page, of both lists */
    this.shown = [[], []];
    /** @type {Question[]} */
    this.questions = [];
    this.mayVote = false;
    /** @type {number | null} */
    this.timer = null;
    this.listen();
  }

  listen() {
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ listener, target = this.element) => {
      target.addEventListener(type, listener, { passive: true });
    };
    for (const list of [this.open, this.folded]) {
      on("pointerenter", (event) => event.pointerType === "mouse" && this.hold.begin("pointer"), list);
      on("pointerleave", (event) => event.pointerType === "mouse" && this.end("pointer"), list);
    }
    on("pointerdown", (event) => event.pointerType !== "mouse" && this.hold.begin("finger"));
    for (const type of ["pointerup", "pointercancel"]) {
      window.addEventListener(type, (event) => /** @type {PointerEvent} */ (event).pointerType !== "mouse" && this.end("finger"));
    }
    // A tap leaves the focus where it was: only that of the keyboard holds the list.
    on("focusin", ({ target }) => isFromKeyboard(target) && target !== this.fresh && this.hold.begin("focus"));
    on("focusout", ({ relatedTarget }) => this.element.contains(relatedTarget) || this.end("focus"));
  }

  /** @param {string} reason */
  end(reason) {
    this.hold.end(reason, this.env.now());
    this.wait();
  }

  /** Draws again when the list is let go. */
  wait() {
    const left = this.hold.remaining(this.env.now());
    if (left === null) return;
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => this.draw(), left + 20);
  }

  /** Shows what is new at once, because the reader asked for it. */
  release() {
    this.hold.release();
    this.draw();
    this.element.scrollIntoView({ block: "nearest" });
    const first = this.open.querySelector("button");
    if (first) first.focus({ preventScroll: true });
  }

  /**
   * @param {Question[]} questions in their order
   * @param {boolean} mayVote
   */
  update(questions, mayVote) {
    this.questions = questions;
    this.mayVote = mayVote;
    this.draw();
  }

  draw() {
    // Until then, what the server has drawn stays.
    if (!this.isDrawn) this.element.replaceChildren(this.above, this.none, this.open, this.folded);
    this.isDrawn = true;
    const isHeld = this.hold.isHeld(this.env.now());
    const byNumber = new Map(this.questions.map((question) => [question.n, question]));
    const numbers = (/** @type {boolean} */ isAnswered) => this.questions
      .filter(({ state }) => (state === "answered") === isAnswered).map(({ n }) => n);
    const open = arrange(this.shown[0], numbers(false), isHeld);
    const stays = new Set(open.keys);
    const answered = arrange(this.shown[1], numbers(true).filter((n) => !stays.has(n)), isHeld);
    this.shown = [open.keys, answered.keys];
    const focused = document.activeElement;
    const kept = new Set([...open.keys, ...answered.keys]);
    for (const [n, row] of this.rows) {
      if (kept.has(n)) continue;
      row.element.remove();
      this.rows.delete(n);
    }
    this.place(this.open, open.keys, byNumber);
    this.place(this.answered, answered.keys, byNumber);
    if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    this.none.hidden = kept.size > 0;
    this.folded.hidden = !answered.keys.length;
    setText(this.summary, this.texts.say("question.answered", { n: this.number(answered.keys.length) }, answered.keys.length));
    const count = open.heldBack;
    this.above.hidden = !count;
    if (count) setText(this.fresh, `↑ ${this.texts.say("question.new_above", { n: this.number(count) }, count)}`);
    if (isHeld) this.wait();
  }

  /**
   * @param {HTMLElement} list
   * @param {number[]} keys
   * @param {Map<number, Question>} byNumber
   */
  place(list, keys, byNumber) {
    let next = list.firstElementChild;
    for (const n of keys) {
      const question = byNumber.get(n);
      const row = this.rowOf(n, question);
      if (!row) continue;
      if (row.element === next) next = next.nextElementSibling;
      else list.insertBefore(row.element, next);
      if (question) {
        const isOpen = question.state !== "answered";
        row.update(question, { votes: this.votes.shown(question), isOn: this.votes.isOn(n), mayVote: this.mayVote && isOpen });
      } else row.empty();
    }
  }

  /**
   * @param {number} n
   * @param {Question | undefined} question undefined for one that was taken off
   */
  rowOf(n, question) {
    let row = this.rows.get(n);
    if (question && (!row || row.element.dataset.state === "gone")) {
      if (row) row.element.remove();
      row = new QuestionRow(question, { texts: this.texts, number: this.number, onVote: (number) => this.vote(number) });
      this.rows.set(n, row);
    }
    return row;
  }

  /** @param {number} n */
  vote(n) {
    const question = this.questions.find((each) => each.n === n);
    if (question && this.mayVote && question.state !== "answered") this.votes.toggle(question);
  }
}

/** @param {EventTarget | null} target */
function isFromKeyboard(target) {
  try {
    return target instanceof Element && target.matches(":focus-visible");
  } catch {
    return true; // a browser that does not know the difference
  }
}
