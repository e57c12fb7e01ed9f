// What became of a ballot, at the foot of the phone: on its way, stored with its receipt, retracted, or refused and why.

import { h } from "../ui/dom.js";

/** @import { Poll } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { Ballot } from "./ballot.js" */

/**
 * Returns the 16 characters of a receipt in groups of four, as people read them aloud.
 * @param {string | null} receipt
 */
export function groupReceipt(receipt) {
  return (receipt || "").replace(/(.{4})(?=.)/g, "$1-");
}

export class Receipt {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts}} tools
   * @param {() => void} onRetract
   */
  constructor(element, { texts }, onRetract) {
    this.element = element;
    this.texts = texts;
    this.onRetract = onRetract;
    /** @type {string | null} */
    this.shown = null;
  }

  /**
   * Returns what a screen reader is to announce, or null if nothing changed.
   * @param {Poll} poll
   * @param {Ballot} ballot
   */
  update(poll, ballot) {
    const shown = JSON.stringify([poll.phase, poll.allow_change, ballot.phase, ballot.stored, ballot.error]);
    if (shown === this.shown) return null;
    const isFirst = this.shown === null;
    this.shown = shown;
    const { head, rest } = this.textsOf(poll, ballot);
    this.element.dataset.phase = ballot.phase;
    this.element.hidden = !head;
    /** @type {(string | Node)[]} */
    const parts = [h("b", {}, head)];
    if (rest) parts.push(" ", rest);
    if (ballot.phase === "safe") parts.push(...this.proof(poll, ballot));
    this.element.replaceChildren(h("p", {}, parts));
    // The state in which the page opens is announced only if it is a stored ballot.
    return isFirst && ballot.phase !== "safe" ? null : [head, rest].filter(Boolean).join(" ");
  }

  hide() {
    this.shown = null;
    this.element.hidden = true;
  }

  /**
   * @param {Poll} poll
   * @param {Ballot} ballot
   */
  textsOf(poll, ballot) {
    const say = (/** @type {string} */ key) => this.texts.say(key);
    if (ballot.error && ballot.phase === "refused") {
      const key = `error.${ballot.error.code}`;
      const details = Object.values(ballot.error.fields || {}).join(" ");
      return { head: this.texts.has(key) ? say(key) : ballot.error.message || "", rest: details };
    }
    if (ballot.phase === "safe") {
      if (poll.phase === "closed") return { head: say("vote.counted"), rest: "" };
      return { head: say("vote.safe"), rest: say(poll.allow_change ? "vote.may_change" : "vote.is_final") };
    }
    if (ballot.phase === "idle") {
      // Once the ballots are erased, nobody can say who had cast one.
      if (poll.phase === "closed" && !poll.erased_at) return { head: say("vote.not_voted"), rest: "" };
      return { head: "", rest: "" };
    }
    return { head: say(`vote.${ballot.phase}`), rest: ballot.phase === "retrying" ? say("vote.no_need") : "" };
  }

  /**
   * @param {Poll} poll
   * @param {Ballot} ballot
   */
  proof(poll, ballot) {
    const parts = [h("br"), `${this.texts.say("vote.receipt")} `, h("code", {}, groupReceipt(ballot.stored.receipt))];
    if (poll.phase === "open" && poll.allow_change) {
      parts.push(" ", h("button", { type: "button", class: "link", onclick: () => this.onRetract() }, this.texts.say("vote.take_back")));
    }
    return parts;
  }
}
