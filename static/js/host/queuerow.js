// One question in the host's queue. Made once; what changes is set in place.

import { h, setAttribute, setText } from "../ui/dom.js";
import { formatShortTimestamp } from "../ui/timestamps.js";
import { stateOf } from "./queue.js";

/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { QueueRow, QuestionState } from "./queue.js" */

/** @type {[QuestionState, string][]} */
const BUTTONS = [["shown", "S"], ["pinned", "P"], ["answered", "A"], ["hidden", "H"]];

/**
 * @typedef {object} QueueActs
 * @property {(n: number, state: QuestionState) => void} decide
 * @property {(n: number) => void} undo
 * @property {(n: number) => void} answer
 */

export class QuestionRow {
  /**
   * @param {number} n
   * @param {{texts: Texts, number: FormatNumber}} tools
   * @param {QueueActs} on
   */
  constructor(n, { texts, number }, on) {
    this.n = n;
    this.texts = texts;
    this.number = number;
    this.votes = h("b", { class: "votes" });
    this.text = h("p", { class: "text", dir: "auto" });
    this.state = h("b", { class: "state" });
    this.fresh = h("b", { class: "fresh" }, texts.say("queue.new"));
    this.by = h("span", { class: "by", dir: "auto" });
    this.time = h("span");
    this.answer = h("p", { class: "answer", dir: "auto" });
    this.outcome = h("span", { class: "outcome", role: "status" });
    this.undo = h("button", { type: "button", tabindex: "-1", onclick: () => on.undo(n) }, texts.say("host.undo"), " ", h("kbd", { "aria-hidden": "true" }, "U"));
    this.done = h("p", { class: "decided" }, this.outcome, " ", this.undo);
    this.buttons = new Map(BUTTONS.map(([state, key]) => [state, h("button", { type: "button", tabindex: "-1", onclick: () => on.decide(n, state) },
      texts.say(`queue.do.${state}`), " ", h("kbd", { "aria-hidden": "true" }, key))]));
    this.write = h("button", { type: "button", tabindex: "-1", onclick: () => on.answer(n) }, texts.say("queue.do.answer"), " ", h("kbd", { "aria-hidden": "true" }, "E"));
    this.acts = h("div", { class: "acts" }, [...this.buttons.values()], this.write);
    this.element = h("li", { tabindex: "-1", "data-n": n },
      this.votes, h("div", { class: "what" },
        h("p", { class: "meta" }, this.fresh, this.state, this.by, this.time), this.text, this.answer, h("div", { class: "doing" }, this.done, this.acts)));
  }

  /** @param {QueueRow} row */
  update(row) {
    const { question, decision, isNew } = row;
    const state = stateOf(row);
    setText(this.votes, this.number(question.votes));
    setAttribute(this.votes, "aria-label", this.texts.say("queue.votes", { n: this.number(question.votes) }, question.votes));
    setText(this.text, question.text);
    setText(this.by, question.name || this.texts.say("queue.nobody"));
    setText(this.time, formatShortTimestamp(question.at, Date.now()));
    setText(this.answer, question.answer || "");
    this.answer.hidden = !question.answer;
    this.fresh.hidden = !isNew;
    setAttribute(this.element, "data-state", state);
    setText(this.state, this.texts.say(`queue.state.${state}`));
    // Both parts keep their room, so that no row below moves.
    this.element.classList.toggle("is-decided", Boolean(decision));
    setText(this.outcome, decision ? this.texts.say(decision.status === "unsent" ? "queue.unsent" : decision.status === "sending" ? "queue.sending" : `queue.done.${state}`) : "");
    for (const [each, button] of this.buttons) button.hidden = each === (decision ? decision.before : state);
  }
}
