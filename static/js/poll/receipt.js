// The answer to a ballot, at the foot of the phone: on its way, safe with its receipt, taken back, or refused and why.

import { h } from "../ui/dom.js";
import { grouped } from "../ui/texts.js";

export class Receipt {
  constructor(element, { texts }, takeBack) {
    this.element = element;
    this.texts = texts;
    this.takeBack = takeBack;
    this.shown = null;
  }

  /** Returns what a screen reader should hear when it changed, else null. */
  update(poll, ballot) {
    const shown = JSON.stringify([poll.phase, poll.allow_change, ballot.phase, ballot.safe, ballot.error]);
    if (shown === this.shown) return null;
    const first = this.shown === null;
    this.shown = shown;
    const { head, rest } = this.words(poll, ballot);
    this.element.dataset.phase = ballot.phase;
    this.element.hidden = !head;
    const parts = [h("b", {}, head)];
    if (rest) parts.push(" ", rest);
    if (ballot.phase === "safe") parts.push(...this.proof(poll, ballot));
    this.element.replaceChildren(h("p", {}, parts));
    return first && ballot.phase !== "safe" ? null : [head, rest].filter(Boolean).join(" ");
  }

  hide() {
    this.shown = null;
    this.element.hidden = true;
  }

  words(poll, ballot) {
    const say = (key, values) => this.texts.say(key, values);
    if (ballot.phase === "refused") {
      const key = `error.${ballot.error.code}`;
      const details = Object.values(ballot.error.fields || {}).join(" ");
      return { head: this.texts.has(key) ? say(key) : ballot.error.message, rest: details };
    }
    if (ballot.phase === "safe") {
      if (poll.phase === "closed") return { head: say("vote.counted"), rest: "" };
      return { head: say("vote.safe"), rest: say(poll.allow_change ? "vote.may_change" : "vote.is_final") };
    }
    if (ballot.phase === "idle") {
      // Where the ballots are erased nobody can say who had one.
      if (poll.phase === "closed" && !poll.erased_at) return { head: say("vote.not_voted"), rest: "" };
      return { head: "", rest: "" };
    }
    return { head: say(`vote.${ballot.phase}`), rest: ballot.phase === "retrying" ? say("vote.no_need") : "" };
  }

  proof(poll, ballot) {
    const parts = [h("br"), `${this.texts.say("vote.receipt")} `, h("code", {}, grouped(ballot.safe.receipt))];
    if (poll.phase === "open" && poll.allow_change) {
      parts.push(" · ", h("button", { type: "button", class: "link", onclick: () => this.takeBack() }, this.texts.say("vote.take_back")));
    }
    return parts;
  }
}
