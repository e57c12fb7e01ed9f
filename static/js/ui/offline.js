// While the server is gone: beside the controls stands that nothing can be done from here, they look and act so, and
// how old the figures are.

import { clockFace } from "../net/clock.js";
import { h, setText } from "./dom.js";

const CONTROLS = "button, summary, .handle";

export class Away {
  /**
   * `regions` are elements whose controls are out of reach meanwhile, each with the note before `beside`, a part of it.
   * `words` names what is said; with `blocks` false the controls stay as they are.
   */
  constructor(regions, { texts, words = "live.away", blocks = true }) {
    this.texts = texts;
    this.words = words;
    this.blocks = blocks;
    this.away = false;
    this.regions = regions.map(({ element, beside }) => {
      const note = h("p", { class: "away", hidden: true });
      if (beside) beside.before(note);
      else element.prepend(note);
      return { element, note };
    });
    if (!blocks) return;
    for (const { element } of this.regions) {
      for (const kind of ["click", "submit", "pointerdown", "keydown"]) element.addEventListener(kind, (event) => this.refuse(event), true);
    }
  }

  refuse(event) {
    if (!this.away || event.key === "Tab") return;
    if (event.type !== "submit" && !event.target.closest(CONTROLS)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** After the rest was drawn, and every second. */
  update(live) {
    this.away = live.corner === "lost";
    const said = this.away ? this.texts.say(this.words, { age: clockFace(live.age) }) : "";
    for (const { element, note } of this.regions) {
      note.hidden = !this.away;
      setText(note, said);
      if (this.blocks) for (const control of element.querySelectorAll(CONTROLS)) this.mark(control);
    }
  }

  mark(control) {
    const marked = control.dataset.away !== undefined;
    if (this.away) {
      if (!marked) control.dataset.away = control.getAttribute("aria-disabled") || "";
      control.setAttribute("aria-disabled", "true");
    } else if (marked) {
      if (control.dataset.away) control.setAttribute("aria-disabled", control.dataset.away);
      else control.removeAttribute("aria-disabled");
      delete control.dataset.away;
    }
  }
}
