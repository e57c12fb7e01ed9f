// A poll on the projector: the question and a row per option, nothing to click. Rows are built once per structure and
// changed in place.

import { bar, previousBar } from "../poll/bar.js";
import { columnCount, cutLines, densities, density, extraHeight } from "../poll/density.js";
import { resultSummary } from "../poll/summary.js";
import { isCompared, majorityShare, resultRows } from "../poll/tally.js";
import { h, setText } from "../ui/dom.js";
import { lengthClass } from "../ui/length.js";

/** @import { Poll, Tally } from "../net/wire.d.ts" */
/** @import { Row } from "../poll/tally.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { PollScene } from "./scene.js" */

export class PollPoster {
  /**
   * @param {HTMLElement} stage
   * @param {{texts: Texts, number: FormatNumber}} tools
   */
  constructor(stage, { texts, number }) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    /** @type {ReturnType<PollPoster["build"]> | null} */
    this.view = null;
  }

  /** Another view takes the stage. */
  leave() {
    this.view = null;
  }

  /** @param {PollScene & {previous?: Tally | null}} scene `previous` is the tally of the round before, if it is compared */
  update({ stream, poll, tally, revealing, previous = null }) {
    const rows = resultRows(poll, tally, previous);
    const structure = JSON.stringify([stream, poll.title, poll.options, poll.round, poll.majority, poll.compare]);
    const view = this.view && structure === this.view.structure ? this.view : this.build(structure, poll, rows);
    this.view = view;
    view.section.dataset.phase = poll.phase;
    const counted = tally && rows.some((row) => row.counted) ? tally : null;
    const shape = JSON.stringify([counted !== null, rows.some((row) => row.before)]);
    view.section.dataset.counted = String(counted !== null);
    setText(view.note, counted ? resultSummary(poll, counted, previous, this) : this.noteOf(poll, revealing));
    for (const row of rows) this.drawRow(view, row);
    // Figures take room of their rows: what fitted without them may not fit with them.
    if (shape !== view.shape) this.fit(view);
    view.shape = shape;
  }

  /**
   * Takes smaller letters where the estimated ones are too large for the drawn text, and then cuts labels shorter.
   * @param {NonNullable<PollPoster["view"]>} view
   */
  fit({ section, rows }) {
    const names = densities(rows.size);
    const estimated = names.indexOf(section.dataset.density || "");
    for (const name of names.slice(estimated + 1)) {
      if (!isCrowded(section, rows)) return;
      section.dataset.density = name;
    }
    for (let lines = Number(section.dataset.lines); lines > 1 && isCrowded(section, rows); lines -= 1) {
      section.dataset.lines = String(lines - 1);
    }
  }

  /**
   * @param {string} structure
   * @param {Poll} poll
   * @param {Row[]} list
   */
  build(structure, poll, list) {
    const rows = new Map(list.map((row) => [row.id, this.makeRow(poll, row)]));
    const note = h("p", { class: "note" });
    const labels = list.map((row) => row.label);
    const extra = extraHeight(poll);
    const attributes = {
      class: "poll",
      "data-density": density(labels, poll.title, extra),
      "data-lines": String(cutLines(labels, poll.title, extra)),
      "data-compared": String(isCompared(poll)),
    };
    const section = h("section", attributes,
      h("h1", { dir: "auto", "data-length": lengthClass(poll.title) }, poll.title),
      h("ol", { class: "rows", "aria-hidden": "true" }, [...rows.values()].map(({ item }) => item)),
      note);
    section.style.setProperty("--rows", String(Math.ceil(list.length / columnCount(list.length))));
    this.stage.replaceChildren(section);
    return { structure, section, note, rows, shape: "" };
  }

  /**
   * @param {Poll} poll
   * @param {Row} row
   */
  makeRow(poll, row) {
    const { element, set } = bar(row, poll.majority && !row.abstain ? majorityShare(poll.majority) : null);
    const isComparedRow = isCompared(poll) && !row.abstain;
    const previous = isComparedRow ? previousBar() : null;
    const before = isComparedRow ? h("small", { class: "before" }) : null;
    const percent = h("b");
    const count = h("small", { class: "count" });
    const item = h("li", { class: row.abstain ? "row abstain" : "row" },
      h("span", { class: "name", dir: "auto" },
        h("span", { class: "number" }, row.number),
        h("span", { class: "label" }, row.label)),
      element,
      previous && previous.element,
      h("span", { class: "figures" }, percent, count, before));
    return { item, set, percent, count, previous, before };
  }

  /**
   * @param {NonNullable<PollPoster["view"]>} view
   * @param {Row} row
   */
  drawRow(view, row) {
    const parts = view.rows.get(row.id);
    if (!parts) return;
    parts.set(row.counted ? row.share : 0);
    setText(parts.percent, !row.counted ? "" : row.abstain ? this.number(row.count) : row.percent);
    setText(parts.count, row.counted && !row.abstain ? this.number(row.count) : "");
    if (parts.previous && parts.before) {
      parts.previous.set(row.before ? row.before.share : 0);
      setText(parts.before, row.before ? this.texts.say("poll.before", { share: row.before.percent }) : "");
    }
    parts.item.classList.toggle("first", row.first);
  }

  /**
   * @param {Poll} poll
   * @param {boolean} [revealing]
   */
  noteOf(poll, revealing) {
    if (revealing) return this.texts.say("poll.revealing");
    if (poll.phase === "closed") return this.texts.say("poll.closed_hidden");
    return this.texts.say(`poll.hidden.${poll.results}`);
  }
}

/**
 * Whether a row runs into the next one, or out of the stage.
 * @param {HTMLElement} section
 * @param {Map<string, {item: HTMLElement}>} rows
 */
function isCrowded(section, rows) {
  const area = (section.querySelector(".rows") || section).getBoundingClientRect();
  /** @type {number | null} */
  let column = null;
  let bottom = area.top;
  for (const { item } of rows.values()) {
    const boxes = [...item.children].map((part) => part.getBoundingClientRect()).filter((box) => box.height);
    const { left } = item.getBoundingClientRect();
    if (left !== column) bottom = area.top;
    column = left;
    if (Math.min(...boxes.map((box) => box.top)) < bottom - 1) return true;
    bottom = Math.max(...boxes.map((box) => box.bottom));
    if (bottom > area.bottom + 1) return true;
  }
  return false;
}
