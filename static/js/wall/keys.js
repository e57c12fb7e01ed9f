// The keys of a screen, and their list under "?".

import { h } from "../ui/dom.js";

/** @import { Texts } from "../ui/texts.js" */

/** @typedef {[key: string, textKey: string, action: () => void]} KeyBinding keys are in lower case */

export class ScreenKeys {
  /**
   * @param {{texts: Texts, document: Document}} tools
   * @param {KeyBinding[]} bindings
   */
  constructor({ texts, document }, bindings) {
    this.texts = texts;
    this.document = document;
    /** @type {HTMLElement | null} */
    this.list = null;
    /** @type {KeyBinding[]} */
    this.bindings = [...bindings, ["?", "keys.help", () => this.toggle()]];
    document.addEventListener("keydown", (event) => this.press(event));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const binding = this.bindings.find(([key]) => key === event.key.toLowerCase());
    if (binding) {
      event.preventDefault();
      binding[2]();
    } else if (event.key === "Escape" && this.list) this.toggle();
  }

  toggle() {
    if (this.list) {
      this.list.remove();
      this.list = null;
      return;
    }
    const rows = this.bindings.flatMap(([key, textKey]) => [h("dt", {}, h("kbd", {}, key.toUpperCase())), h("dd", {}, this.texts.say(textKey))]);
    this.list = h("div", { class: "keys", role: "dialog", "aria-label": this.texts.say("keys.title"), tabindex: "-1" },
      h("h2", {}, this.texts.say("keys.title")), h("dl", {}, rows));
    this.document.body.append(this.list);
    this.list.focus();
  }
}

/**
 * Enters or leaves full screen, where the browser allows it.
 * @param {Document} document
 */
export function toggleFullScreen(document) {
  const page = document.documentElement;
  const change = document.fullscreenElement ? document.exitFullscreen() : page.requestFullscreen && page.requestFullscreen();
  if (change) change.catch(() => {}); // refused: the page stays as it is
}
