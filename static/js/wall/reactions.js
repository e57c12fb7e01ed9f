// The reactions of the audience: six buttons at the bottom, and what everybody sends, which floats up within their row.

import { Calls } from "../net/calls.js";
import { h, setText } from "../ui/dom.js";

/** @import { Wall } from "../net/wire.d.ts" */
/** @import { Context } from "./livepage.js" */

const KINDS = /** @type {const} */ (["👏", "👍", "❤️", "😂", "🎉", "🤔"]);
/** The server takes two a second of a person. */
const REST = 500;
/** So many float at the same time at most, and of one kind at once. */
const MOST = 18;
const AT_ONCE = 3;
const FLOATS = 1_600;
/** So long the number of those that came stands beside a reaction. */
const COUNTED = 3_000;

export class Reactions {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    this.code = context.page.wallStream.slice("walls/".length);
    this.calls = new Calls(`/api/walls/${this.code}`, context.env);
    /** @type {HTMLElement | null} */
    this.row = null;
    this.floating = 0;
    this.restsUntil = 0;
    /** @type {Record<string, {button: HTMLButtonElement, count: HTMLElement, sum: number, timer: number | null}>} */
    this.parts = {};
    /** @type {unknown} */
    this.seen = undefined;
  }

  /** @param {Wall | undefined} wall */
  update(wall) {
    const isOn = Boolean(wall && wall.reactions);
    if (isOn && !this.row) this.build();
    if (this.row) this.row.hidden = !isOn;
    document.body.classList.toggle("reacting", isOn);
    const { values } = this.context.live.state(this.context.page.wallStream);
    const isFirst = this.seen === undefined;
    if (values.reactions === this.seen || !wall) return;
    this.seen = values.reactions || null;
    if (values.reactions && !isFirst && isOn && !this.context.env.hidden()) this.show(values.reactions);
  }

  build() {
    const { texts } = this.context;
    this.row = h("div", { class: "reactions", role: "group", "aria-label": texts.say("reaction.label") });
    for (const [index, kind] of KINDS.entries()) {
      const count = h("small", { "aria-hidden": true });
      const button = h("button", { type: "button", "aria-label": texts.say(`reaction.${index + 1}`), onclick: () => this.react(kind) },
        h("span", { "aria-hidden": true }, kind), count);
      this.parts[kind] = { button, count, sum: 0, timer: null };
      this.row.append(button);
    }
    document.body.insertBefore(this.row, document.querySelector("body > .twin, body > #announcer"));
  }

  /** @param {typeof KINDS[number]} kind */
  async react(kind) {
    const { env, live } = this.context;
    if (env.now() < this.restsUntil) return;
    this.rest(REST);
    const reply = await live.request({ do: "react", wall: this.code, reaction: kind });
    const answer = reply || await this.calls.call("POST", "/reactions", { reaction: kind });
    if (answer && answer.error) this.rest(1_000); // one too many, or none are taken: nothing to trouble anybody with
  }

  /** @param {number} milliseconds */
  rest(milliseconds) {
    const { env } = this.context;
    this.restsUntil = env.now() + milliseconds;
    const set = (/** @type {boolean} */ isResting) => {
      for (const { button } of Object.values(this.parts)) button.setAttribute("aria-disabled", String(isResting));
    };
    set(true);
    env.setTimeout(() => env.now() >= this.restsUntil - 5 && set(false), milliseconds);
  }

  /** @param {Record<string, number>} counts */
  show(counts) {
    const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const [kind, count] of Object.entries(counts)) {
      const part = this.parts[kind];
      if (!part || !count) continue;
      part.sum += count;
      setText(part.count, this.context.number(part.sum));
      this.context.env.clearTimeout(part.timer);
      part.timer = this.context.env.setTimeout(() => {
        part.sum = 0;
        setText(part.count, "");
      }, COUNTED);
      for (let each = 0; !isStill && each < Math.min(count, AT_ONCE); each += 1) this.float(kind, part.button, each);
    }
  }

  /**
   * @param {string} kind
   * @param {HTMLElement} button
   * @param {number} place
   */
  float(kind, button, place) {
    if (this.floating >= MOST) return;
    this.floating += 1;
    const float = h("span", { class: `float drift${place % 3}`, "aria-hidden": true }, kind);
    button.append(float);
    this.context.env.setTimeout(() => {
      this.floating -= 1;
      float.remove();
    }, FLOATS);
  }
}
