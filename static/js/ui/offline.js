// While the server cannot be reached: a note beside the controls says so and how old the figures are, and the controls
// look and act as if they were disabled.

import { formatDuration } from "./duration.js";
import { h, setText } from "./dom.js";

/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Texts } from "./texts.js" */

const CONTROLS = "button, summary, .handle";

export class OfflineNotice {
  /**
   * @param {{element: HTMLElement, beside?: Element | null}[]} regions elements whose controls are affected; the note
   *   stands before `beside`, else at the start of the element
   * @param {{texts: Texts, textKey?: string, disables?: boolean}} options `disables` false leaves the controls as they are
   */
  constructor(regions, { texts, textKey = "live.away", disables = true }) {
    this.texts = texts;
    this.textKey = textKey;
    this.disables = disables;
    this.offline = false;
    this.regions = regions.map(({ element, beside }) => {
      const note = h("p", { class: "away", hidden: true });
      if (beside) beside.before(note);
      else element.prepend(note);
      return { element, note };
    });
    if (!disables) return;
    for (const { element } of this.regions) {
      // Captured, so that a listener of a control in the region does not run first.
      for (const type of ["click", "submit", "pointerdown", "keydown"]) {
        element.addEventListener(type, (event) => this.refuse(event), true);
      }
    }
  }

  /** @param {Event} event */
  refuse(event) {
    if (!this.offline || (event instanceof KeyboardEvent && event.key === "Tab")) return;
    const onControl = event.target instanceof Element && event.target.closest(CONTROLS);
    if (event.type !== "submit" && !onControl) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /**
   * Is called every second and after everything else was drawn: drawing may have made new controls.
   * @param {LiveStreams} live
   */
  update(live) {
    this.offline = live.displayState === "lost";
    const text = this.offline ? this.texts.say(this.textKey, { age: formatDuration(live.age) }) : "";
    for (const { element, note } of this.regions) {
      note.hidden = !this.offline;
      setText(note, text);
      if (!this.disables) continue;
      for (const control of element.querySelectorAll(CONTROLS)) this.mark(/** @type {HTMLElement} */ (control));
    }
  }

  /**
   * Sets `aria-disabled` and keeps what it was. The attribute `disabled` would take the focus away from the control.
   * @param {HTMLElement} control
   */
  mark(control) {
    const marked = control.dataset.away !== undefined;
    if (this.offline) {
      if (!marked) control.dataset.away = control.getAttribute("aria-disabled") || "";
      control.setAttribute("aria-disabled", "true");
    } else if (marked) {
      if (control.dataset.away) control.setAttribute("aria-disabled", control.dataset.away);
      else control.removeAttribute("aria-disabled");
      delete control.dataset.away;
    }
  }
}
