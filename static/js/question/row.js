// A question as an element. It is changed in place: what somebody is about to press is never replaced.

import { withLinks } from "../room/row.js";
import { h, setAttribute, setText } from "../ui/dom.js";
import { formatShortTimestamp } from "../ui/timestamps.js";

/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Question } from "./order.js" */

/** @typedef {{texts: Texts, number: FormatNumber, onVote: (n: number) => void}} RowTools */

/** @typedef {{votes: number, isOn: boolean, mayVote: boolean}} Vote */

export class QuestionRow {
  /**
   * @param {Question} question
   * @param {RowTools} tools
   */
  constructor(question, { texts, number, onVote }) {
    this.texts = texts;
    this.number = number;
    this.count = h("b", {});
    this.button = h("button", { type: "button", class: "up", onclick: () => onVote(question.n) }, h("i", { "aria-hidden": true }), this.count);
    this.pin = h("p", { class: "pin", hidden: true });
    this.text = h("p", { class: "text", dir: "auto" });
    this.by = h("p", { class: "by" }, h("span", { dir: "auto" }, question.name || texts.say("question.nobody")), " ",
      h("time", { datetime: question.at }, formatShortTimestamp(question.at, Date.now())));
    this.answer = h("p", { class: "answer", dir: "auto", hidden: true });
    this.element = h("li", { class: "question", id: `q${question.n}` }, this.button,
      h("div", { class: "what" }, this.pin, this.text, this.by, this.answer));
    this.said = "";
    this.answered = "";
  }

  /**
   * @param {Question} question
   * @param {Vote} vote
   */
  update(question, { votes, isOn, mayVote }) {
    const { texts } = this;
    setAttribute(this.element, "data-state", question.state);
    if (question.text !== this.said) {
      this.said = question.text;
      this.text.replaceChildren(...withLinks(question.text));
    }
    const answer = question.answer || "";
    if (answer !== this.answered) {
      this.answered = answer;
      this.answer.hidden = !answer;
      this.answer.replaceChildren(h("b", {}, texts.say("question.answer")), " ", h("span", {}, withLinks(answer)));
    }
    this.pin.hidden = question.state !== "pinned";
    if (!this.pin.hidden) setText(this.pin, texts.say("question.pinned"));
    setText(this.count, this.number(votes));
    const words = texts.say("question.votes", { n: this.number(votes) }, votes);
    setAttribute(this.button, "aria-label", `${texts.say("question.vote")}, ${words}`);
    setAttribute(this.button, "aria-pressed", isOn);
    setAttribute(this.button, "aria-disabled", !mayVote);
  }

  /** The question was taken off while somebody points at the list: its place stays empty until they do not. */
  empty() {
    if (this.element.dataset.state === "gone") return;
    this.element.style.height = `${this.element.offsetHeight}px`;
    setAttribute(this.element, "data-state", "gone");
    this.said = "";
    this.text.textContent = this.texts.say("question.gone");
    setAttribute(this.button, "aria-disabled", true);
  }
}
