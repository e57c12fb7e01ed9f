// A state as a shape and a word. Made once; another state changes an attribute and a text.

import { find, h, setText, svg } from "../ui/dom.js";
import { shapeOf } from "./states.js";

/** @import { Texts } from "../ui/texts.js" */

export class StateBadge {
  /**
   * @param {Texts} texts
   * @param {HTMLElement | null} element the badge that the page has already, if it has one
   */
  constructor(texts, element = null) {
    this.texts = texts;
    /** @type {string | null} */
    this.state = null;
    this.element = element || h("span", { class: "badge" },
      svg("svg", { viewBox: "0 0 18 18", class: "shape", "aria-hidden": "true" }, svg("path", { class: "mark" })),
      h("span", { class: "word" }));
    this.mark = find(".mark", this.element);
    this.word = find(".word", this.element);
  }

  /** @param {string} state */
  set(state) {
    if (state === this.state) return;
    this.state = state;
    this.element.dataset.state = state;
    this.mark.setAttribute("d", shapeOf(state));
    setText(this.word, this.texts.say(`state.${state}`));
  }
}
