// The poll on the projector: the question, a row an option, nothing to click. Rows are built once for a structure
// and changed in place.

import { h, setText } from "../ui/dom.js";
import { beside } from "../poll/summary.js";
import { columns, cutLines, densities, density, extras, isCompared, lengthClass, majorityShare, rows } from "../poll/tally.js";
import { bar, ghost } from "../poll/bar.js";

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

  update({ stream, poll, tally, revealing, earlier = null }) {
    const list = rows(poll, tally, earlier);
    const structure = JSON.stringify([stream, poll.title, poll.options, poll.round, poll.majority, poll.compare]);
    const counted = String(list.some((row) => row.counted));
    const beforeToo = list.some((row) => row.before);
    const built = structure !== this.structure;
    if (built) this.build(poll, list);
    this.structure = structure;
    this.section.dataset.phase = poll.phase;
    const shown = built || this.section.dataset.counted !== counted || this.beforeToo !== beforeToo;
    this.beforeToo = beforeToo;
    this.section.dataset.counted = counted;
    setText(this.note, list.some((row) => row.counted) ? beside(poll, tally, earlier, this) : this.noteOf(poll, revealing));
    for (const row of list) this.set(row);
    if (shown) this.fit(list.length);
  }

  /** Letters are estimated before they are drawn; where they turn out wider, the next smaller ones are taken, and of
   * labels that have to be cut fewer lines. */
  fit(options) {
    const names = densities(options);
    const from = names.indexOf(this.section.dataset.density);
    for (const name of names.slice(from + 1)) {
      if (!this.isCrowded()) return;
      this.section.dataset.density = name;
    }
    for (let lines = Number(this.section.dataset.lines); lines > 1 && this.isCrowded(); lines--) this.section.dataset.lines = String(lines - 1);
  }

  /** Whether a row runs into the next one, or out of the stage. */
  isCrowded() {
    const box = (parts, pick, side) => pick(...parts.map((part) => part.getBoundingClientRect()).filter((each) => each.height).map((each) => each[side]));
    const whole = this.section.querySelector(".rows").getBoundingClientRect();
    let left = null;
    let bottom = whole.top;
    for (const { item } of this.rows.values()) {
      const parts = [...item.children];
      const start = item.getBoundingClientRect().left;
      if (start !== left) bottom = whole.top;
      left = start;
      if (box(parts, Math.min, "top") < bottom - 1) return true;
      bottom = box(parts, Math.max, "bottom");
      if (bottom > whole.bottom + 1) return true;
    }
    return false;
  }

  build(poll, list) {
    this.rows = new Map();
    const items = list.map((row) => {
      const drawn = bar(row, poll.majority && !row.abstain ? majorityShare(poll) : null);
      const compared = isCompared(poll) && !row.abstain;
      const parts = { set: drawn.set, percent: h("b"), count: h("small", { class: "count" }), item: null };
      if (compared) Object.assign(parts, { ghost: ghost(), before: h("small", { class: "before" }) });
      parts.item = h("li", { class: row.abstain ? "row abstain" : "row" },
        h("span", { class: "name", dir: "auto" },
          h("span", { class: "number" }, String(row.number)),
          h("span", { class: "label" }, row.label)),
        drawn.element,
        compared ? parts.ghost.element : null,
        h("span", { class: "figures" }, parts.percent, parts.count, parts.before));
      this.rows.set(row.id, parts);
      return parts.item;
    });
    this.note = h("p", { class: "note" });
    const labels = list.map((row) => row.label);
    const extra = extras(poll);
    this.section = h("section", { class: "poll", "data-density": density(labels, poll.title, extra), "data-lines": String(cutLines(labels, poll.title, extra)), "data-compared": String(isCompared(poll)) },
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
    setText(parts.percent, !row.counted ? "" : row.abstain ? this.number(row.count) : row.percent);
    setText(parts.count, row.counted && !row.abstain ? this.number(row.count) : "");
    if (parts.ghost) {
      parts.ghost.set(row.before ? row.before.share : 0);
      setText(parts.before, row.before ? this.texts.say("poll.before", { share: row.before.percent }) : "");
    }
    parts.item.classList.toggle("first", row.first);
  }

  noteOf(poll, revealing) {
    if (revealing) return this.texts.say("poll.revealing");
    if (poll.phase === "closed") return this.texts.say("poll.closed_hidden");
    return this.texts.say(`poll.hidden.${poll.results}`);
  }
}
