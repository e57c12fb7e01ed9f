// The map of a step's hosts: a cell for each, wave by wave. One cell is in the way of the Tab key; arrow keys move between
// them, and Enter opens the log, as on any link.

import { h, setAttribute, svg } from "../ui/dom.js";
import { hostText, unitOf, waveUnderWay } from "./hosts.js";
import { nextCell } from "./hostwalk.js";
import { shapeOf } from "./states.js";

/** @import { Target } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { HostStep } from "./hosts.js" */

/** @typedef {{element: HTMLAnchorElement, mark: SVGPathElement, state: string, label: string}} Cell */

export class HostMap {
  /** @param {{texts: Texts}} tools */
  constructor({ texts }) {
    this.texts = texts;
    this.element = h("div", { class: "hostmap", role: "group", onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      onfocusin: (/** @type {FocusEvent} */ event) => this.focused(event.target) });
    /** @type {Map<string, Cell>} */
    this.cells = new Map();
    /** @type {{wave: number, element: HTMLElement}[]} */
    this.waves = [];
    /** @type {string | null} */
    this.chosen = null;
  }

  /**
   * Makes the cells of a step.
   * @param {HostStep} step
   */
  build(step) {
    const { texts } = this;
    this.cells = new Map(step.targets.map(({ host }) => {
      const mark = svg("path", { class: "mark" });
      const element = h("a", { class: "hostcell", href: `#${new URLSearchParams({ step: unitOf(step.name, host) })}`, tabindex: "-1", "data-host": host },
        svg("svg", { viewBox: "0 0 18 18", "aria-hidden": "true" }, mark));
      return [host, { element, mark, state: "", label: "" }];
    }));
    const waves = step.targets[step.targets.length - 1].wave;
    this.waves = Array.from({ length: waves }, (_each, index) => {
      const wave = index + 1;
      const cells = step.targets.filter((target) => target.wave === wave).map(({ host }) => this.cells.get(host));
      const label = waves > 1 ? h("span", { class: "wavename" }, texts.say("hosts.wave", { n: wave })) : null;
      return { wave, element: h("div", { class: "wave" }, label, h("div", { class: "tiles" }, cells.map((cell) => cell && cell.element))) };
    });
    this.element.replaceChildren(...this.waves.map(({ element }) => element));
    setAttribute(this.element, "aria-label", texts.say("hosts.map", { step: step.name }));
    setAttribute(this.element, "data-many", String(step.targets.length > 60));
    const [first] = this.cells.values();
    first.element.tabIndex = 0;
  }

  /** @param {HostStep} step */
  update(step) {
    const wave = waveUnderWay(step);
    for (const each of this.waves) each.element.classList.toggle("current", this.waves.length > 1 && each.wave === wave);
    for (const target of step.targets) this.draw(target);
  }

  /** @param {Target} target */
  draw(target) {
    const cell = this.cells.get(target.host);
    if (!cell) return;
    if (cell.state !== target.state) {
      cell.state = target.state;
      cell.element.dataset.state = target.state;
      cell.mark.setAttribute("d", shapeOf(target.state));
    }
    const label = hostText(target, this.waves.length, this.texts);
    if (label === cell.label) return;
    cell.label = label;
    cell.element.setAttribute("aria-label", label);
    cell.element.title = label;
  }

  /**
   * Marks the host whose log is shown.
   * @param {string | null} host
   */
  choose(host) {
    if (host === this.chosen) return;
    const before = this.cells.get(this.chosen || "");
    const now = this.cells.get(host || "");
    if (before) before.element.removeAttribute("aria-current");
    if (now) {
      now.element.setAttribute("aria-current", "true");
      this.focused(now.element);
    }
    this.chosen = host;
  }

  /** Moves the focus to the cell that the Tab key would reach. */
  focus() {
    const stop = this.element.querySelector('[tabindex="0"]');
    if (stop instanceof HTMLElement) stop.focus();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof HTMLElement)) return;
    const cells = [...this.cells.values()].map(({ element }) => element);
    const place = cells.indexOf(/** @type {HTMLAnchorElement} */ (event.target));
    const boxes = cells.map((cell) => ({ x: cell.offsetLeft, y: cell.offsetTop }));
    const next = place < 0 ? null : nextCell(boxes, place, event.key);
    if (next !== null) cells[next].focus();
    else if (event.key === " ") event.target.click();
    else return;
    event.preventDefault();
  }

  /** @param {EventTarget | null} target */
  focused(target) {
    if (!(target instanceof HTMLElement) || !target.matches(".hostcell")) return;
    for (const stop of this.element.querySelectorAll('[tabindex="0"]')) stop.setAttribute("tabindex", "-1");
    target.tabIndex = 0;
  }
}
