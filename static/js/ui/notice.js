// What became of an act, with a way back where there is one. Stays while it has the focus or is pointed at.

import { h, setText } from "./dom.js";

const SHOWN = 12_000;

export class Notice {
  constructor(element, { texts, env }, announcer) {
    this.env = env;
    this.announcer = announcer;
    this.words = h("span", { dir: "auto" });
    this.button = h("button", { type: "button", class: "link", onclick: () => this.undone() }, texts.say("host.undo"));
    this.element = element;
    this.timer = null;
    this.back = null;
    element.append(this.words, this.button);
    element.hidden = true;
  }

  /** `undo()` takes back what is told. */
  say(text, { undo = null, wrong = false } = {}) {
    this.back = undo;
    setText(this.words, text);
    this.button.hidden = !undo;
    this.element.classList.toggle("bad", wrong);
    this.element.hidden = false;
    this.announcer.repeat(text);
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => this.leave(), SHOWN);
  }

  leave() {
    if (this.element.matches(":hover, :focus-within")) {
      this.timer = this.env.setTimeout(() => this.leave(), SHOWN);
      return;
    }
    this.element.hidden = true;
    this.back = null;
  }

  undone() {
    const { back } = this;
    this.back = null;
    if (back) back();
  }
}
