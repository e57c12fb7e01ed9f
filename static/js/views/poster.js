// The poll on the projector: the question, a row an option, nothing to click. Rows are built once for a structure
// and changed in place.

import { h, setText } from "../dom.js";
import { columns, density, lengthClass, rows } from "../tally.js";
import { bar } from "./bar.js";

export class Poster {
  constructor(stage, { texts, number }) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    this.structure = null;
  }

  leave() {
    this.structure = null;
  }

  update({ stream, poll, tally, revealing }) {
    const list = rows(poll, tally);
    const structure = JSON.stringify([stream, poll.title, poll.options, poll.round]);
    if (structure !== this.structure) this.build(poll, list);
    this.structure = structure;
    this.section.dataset.phase = poll.phase;
    this.section.dataset.counted = String(list.some((row) => row.counted));
    setText(this.note, this.noteOf(poll, list, revealing));
    for (const row of list) this.set(row);
  }

  build(poll, list) {
    this.rows = new Map();
    const items = list.map((row) => {
      const drawn = bar(row);
      const parts = { set: drawn.set, percent: h("b"), count: h("small"), item: null };
      parts.item = h("li", { class: "row" },
        h("span", { class: "name", dir: "auto" },
          h("span", { class: "number" }, String(row.number)),
          h("span", { class: "label" }, row.label)),
        drawn.element,
        h("span", { class: "figures" }, parts.percent, parts.count));
      this.rows.set(row.id, parts);
      return parts.item;
    });
    this.note = h("p", { class: "note" });
    this.section = h("section", { class: "poll", "data-density": density(list.map((row) => row.label), poll.title) },
      h("h1", { dir: "auto", "data-length": lengthClass(poll.title) }, poll.title),
      h("ol", { class: "rows", "aria-hidden": "true" }, items),
      this.note);
    const half = Math.ceil(list.length / columns(list.length));
    this.section.style.setProperty("--rows", String(half));
    this.stage.replaceChildren(this.section);
  }

  set(row) {
    const parts = this.rows.get(row.id);
    parts.set(row.counted ? row.share : 0);
    setText(parts.percent, row.counted ? row.percent : "");
    setText(parts.count, row.counted ? this.number(row.count) : "");
    parts.item.classList.toggle("first", row.first);
  }

  noteOf(poll, list, revealing) {
    if (list.some((row) => row.counted)) return "";
    if (revealing) return this.texts.say("poll.revealing");
    if (poll.phase === "closed") return this.texts.say("poll.closed_hidden");
    return this.texts.say(`poll.hidden.${poll.results}`);
  }
}
