// The options as bars with their figures, for pages on which nobody votes. Rows are built once per set of options and
// changed in place.

import { h, setText } from "../ui/dom.js";
import { bar } from "./bar.js";
import { resultRows } from "./tally.js";

/** @import { Poll, Tally } from "../net/wire.d.ts" */
/** @import { FormatNumber } from "../ui/texts.js" */
/** @import { Row } from "./tally.js" */

export class TallyBars {
  /**
   * @param {HTMLElement} element
   * @param {{number: FormatNumber}} tools
   */
  constructor(element, { number }) {
    this.element = element;
    this.number = number;
    /** @type {string | null} */
    this.structure = null;
    /** @type {Map<string, ReturnType<TallyBars["makeRow"]>>} */
    this.rows = new Map();
  }

  /**
   * @param {Poll} poll
   * @param {Tally} tally
   */
  update(poll, tally) {
    const rows = resultRows(poll, tally);
    const structure = JSON.stringify(poll.options);
    if (structure !== this.structure) this.build(rows);
    this.structure = structure;
    for (const row of rows) {
      const parts = this.rows.get(row.id);
      if (parts) updateRow(parts, row, this.number);
    }
  }

  /** @param {Row[]} rows */
  build(rows) {
    this.rows = new Map(rows.map((row) => [row.id, this.makeRow(row)]));
    this.element.replaceChildren(...[...this.rows.values()].map(({ element }) => element));
  }

  /** @param {Row} row */
  makeRow(row) {
    const { element: track, set } = bar(row);
    const percent = h("b");
    const count = h("small");
    const element = h("li", { class: "tallied" },
      h("span", { class: "name", dir: "auto" }, h("span", { class: "number" }, row.number), h("span", {}, row.label)),
      track,
      h("span", { class: "figures" }, percent, count));
    return { element, percent, count, set };
  }
}

/**
 * Writes the figures of an option into its row, and marks the row that leads.
 * @param {{element: HTMLElement, percent: HTMLElement, count: HTMLElement, set: (share: number) => void}} parts
 * @param {Row} row
 * @param {FormatNumber} number
 */
export function updateRow(parts, row, number) {
  parts.set(row.share);
  setText(parts.percent, row.percent);
  setText(parts.count, number(row.count));
  parts.element.classList.toggle("first", row.first);
}
