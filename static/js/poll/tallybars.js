// The options as bars with their figures, for pages on which nobody votes: rows are built once for a structure and
// changed in place.

import { h, setText } from "../ui/dom.js";
import { rows } from "./tally.js";
import { bar } from "./bar.js";

export class TallyBars {
  constructor(element, { number }) {
    this.element = element;
    this.number = number;
    this.structure = null;
  }

  update(poll, tally) {
    const list = rows(poll, tally);
    const structure = JSON.stringify(poll.options);
    if (structure !== this.structure) this.build(list);
    this.structure = structure;
    for (const row of list) {
      const parts = this.rows.get(row.id);
      parts.set(row.share);
      setText(parts.percent, row.percent);
      setText(parts.count, this.number(row.count));
      parts.item.classList.toggle("first", row.first);
    }
  }

  build(list) {
    this.rows = new Map();
    this.element.replaceChildren(...list.map((row) => {
      const drawn = bar(row);
      const parts = { set: drawn.set, percent: h("b"), count: h("small"), item: null };
      parts.item = h("li", { class: "tallied" },
        h("span", { class: "name", dir: "auto" }, h("span", { class: "number" }, String(row.number)), h("span", {}, row.label)),
        drawn.element,
        h("span", { class: "figures" }, parts.percent, parts.count));
      this.rows.set(row.id, parts);
      return parts.item;
    }));
  }
}
