// Reports the outcome of a command, with a button that undoes it where that is possible. Hides after a while, but not
// while it is focused or pointed at.

import { h, setText } from "./dom.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Announcer } from "./announcer.js" */
/** @import { Texts } from "./texts.js" */

const SHOWN = 12_000;

export class Notice {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, env: Environment, undoKey?: string}} tools `undoKey` is the text of the button
   * @param {Announcer} announcer
   */
  constructor(element, { texts, env, undoKey = "host.undo" }, announcer) {
    this.env = env;
    this.announcer = announcer;
    this.text = h("span", { dir: "auto" });
    this.button = h("button", { type: "button", class: "link", onclick: () => this.undo() }, texts.say(undoKey));
    this.element = element;
    /** @type {number | null} */
    this.timer = null;
    /** @type {(() => void) | null} */
    this.onUndo = null;
    element.append(this.text, this.button);
    element.hidden = true;
  }

  /**
   * @param {string} text
   * @param {{undo?: (() => void) | null, wrong?: boolean}} options
   */
  show(text, { undo = null, wrong = false } = {}) {
    this.onUndo = undo;
    setText(this.text, text);
    this.button.hidden = !undo;
    this.element.classList.toggle("bad", wrong);
    this.element.hidden = false;
    this.announcer.repeat(text);
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => this.hide(), SHOWN);
  }

  hide() {
    if (this.element.matches(":hover, :focus-within")) {
      this.timer = this.env.setTimeout(() => this.hide(), SHOWN);
      return;
    }
    this.element.hidden = true;
    this.onUndo = null;
  }

  undo() {
    const undo = this.onUndo;
    this.onUndo = null;
    if (undo) undo();
  }
}
