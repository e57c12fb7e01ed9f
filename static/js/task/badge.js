// A state as a shape and a word. Made once; another state changes an attribute and a text.

import { h, setText, svg } from "../ui/dom.js";
import { shapeOf } from "./states.js";

export class Badge {
  /** `element`, where the page has one already, is kept. */
  constructor(texts, element = null) {
    this.texts = texts;
    this.state = null;
    this.element = element || h("span", { class: "badge" },
      svg("svg", { viewBox: "0 0 18 18", class: "shape", "aria-hidden": "true" }, svg("path", { class: "mark" })),
      h("span", { class: "word" }));
    this.mark = this.element.querySelector(".mark");
    this.word = this.element.querySelector(".word");
  }

  set(state) {
    if (state === this.state) return;
    this.state = state;
    this.element.dataset.state = state;
    this.mark.setAttribute("d", shapeOf(state));
    setText(this.word, this.texts.say(`state.${state}`));
  }
}
