// The reactions of the audience at the edge of a wall's screen: numbers that rise while people react, and go when they
// have stopped. Nothing of it is ever over the content.

import { h, setText } from "../ui/dom.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */

/** A reaction that nobody gave for so many milliseconds leaves. */
const STAYS = 6_000;

/** Counts what is shown now. Pure. */
export class ReactionCounts {
  constructor(stays = STAYS) {
    this.stays = stays;
    /** @type {Map<string, {count: number, at: number}>} */
    this.counts = new Map();
  }

  /**
   * @param {Record<string, number>} given since the last event
   * @param {number} now
   */
  add(given, now) {
    for (const [reaction, count] of Object.entries(given)) {
      const before = this.counts.get(reaction);
      this.counts.set(reaction, { count: (before && now - before.at < this.stays ? before.count : 0) + count, at: now });
    }
  }

  /**
   * Returns [reaction, count] of those that are shown, in the order in which they first came.
   * @param {number} now
   * @returns {[string, number][]}
   */
  shown(now) {
    for (const [reaction, { at }] of this.counts) if (now - at >= this.stays) this.counts.delete(reaction);
    return [...this.counts].map(([reaction, { count }]) => [reaction, count]);
  }
}

export class ReactionEdge {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, number: FormatNumber, env: Environment}} tools
   */
  constructor(element, { texts, number, env }) {
    this.element = element;
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.counts = new ReactionCounts();
    /** @type {object | undefined} the event that was counted last */
    this.counted = undefined;
    /** @type {Map<string, {chip: HTMLElement, count: HTMLElement}>} */
    this.chips = new Map();
    this.list = h("p", { class: "chips" });
    this.sum = h("p", { class: "sum" });
    element.replaceChildren(this.list, this.sum);
  }

  /**
   * Is called with every event and every second.
   * @param {Record<string, number> | undefined} event the newest of the wall
   * @param {boolean} isOn
   */
  update(event, isOn) {
    const now = this.env.now();
    if (event && event !== this.counted) this.counts.add(event, now);
    this.counted = event;
    const shown = isOn ? this.counts.shown(now) : [];
    this.element.hidden = !isOn;
    const wanted = new Set(shown.map(([reaction]) => reaction));
    for (const [reaction, { chip }] of this.chips) {
      if (wanted.has(reaction)) continue;
      chip.remove();
      this.chips.delete(reaction);
    }
    for (const [reaction, count] of shown) setText(this.chipOf(reaction).count, this.number(count));
    // Where there is no room for all of them, their sum says it: none is cut.
    this.element.classList.remove("tight");
    if (this.list.offsetHeight > this.element.clientHeight + 1) this.element.classList.add("tight");
    const total = shown.reduce((sum, [, count]) => sum + count, 0);
    setText(this.sum, total ? this.texts.say("screen.reactions", { n: this.number(total) }, total) : "");
  }

  /** @param {string} reaction */
  chipOf(reaction) {
    const known = this.chips.get(reaction);
    if (known) return known;
    const count = h("b");
    const made = { chip: h("span", { class: "chip" }, h("i", {}, reaction), " ", count), count };
    this.chips.set(reaction, made);
    this.list.append(made.chip);
    return made;
  }
}
