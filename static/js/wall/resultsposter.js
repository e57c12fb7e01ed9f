// The end of a wall on the projector: all results that may be seen, side by side. They no longer move, so the whole is
// built again whenever anything changed.

import { bar } from "../poll/bar.js";
import { quorumText, resultSummary } from "../poll/summary.js";
import { resultRows } from "../poll/tally.js";
import { h } from "../ui/dom.js";
import { lengthClass } from "../ui/length.js";
import { gridSize, topRows } from "./results.js";

/** @import { Wall } from "../net/wire.d.ts" */
/** @import { Row } from "../poll/tally.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Results } from "./results.js" */

export class ResultsPoster {
  /**
   * @param {HTMLElement} stage
   * @param {{texts: Texts, number: FormatNumber}} tools
   */
  constructor(stage, { texts, number }) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    /** @type {string | null} */
    this.shown = null;
  }

  /** Another view takes the stage. */
  leave() {
    this.shown = null;
  }

  /** @param {{wall: Wall} & Pick<Results, "items" | "hidden">} content */
  update({ wall, items, hidden }) {
    const shown = JSON.stringify([wall.title, items, hidden]);
    if (shown === this.shown) return;
    this.shown = shown;
    const { columns, options, shown: most } = gridSize(items.length);
    this.stage.replaceChildren(h("section", { class: "end", "data-columns": columns },
      h("h1", { dir: "auto", "data-length": lengthClass(wall.title) }, wall.title),
      h("p", { class: "what" }, this.texts.say("screen.all_results")),
      h("div", { class: "results" }, items.slice(0, most).map((item) => this.result(item, options))),
      h("p", { class: "note" }, this.missingText(items.length - most, hidden))));
  }

  /**
   * @param {Results["items"][number]} item
   * @param {number} room
   */
  result({ poll, tally }, room) {
    const rows = resultRows(poll, tally);
    const top = topRows(rows, room);
    const left = rows.length - top.length;
    const summary = [
      this.texts.say("poll.ballots", { n: this.number(tally.ballots) }, tally.ballots),
      quorumText(poll, tally.ballots, this),
      resultSummary(poll, tally, null, this),
      left ? this.texts.say("screen.more_options", { n: left }, left) : "",
    ];
    return h("article", {},
      h("h2", { dir: "auto" }, poll.title),
      h("ol", {}, top.map((row) => this.row(row))),
      h("p", { class: "facts" }, summary.filter(Boolean).join(" · ")));
  }

  /** @param {Row} row */
  row(row) {
    const { element, set } = bar(row);
    set(row.share);
    return h("li", { class: row.first ? "first" : null, dir: "auto" },
      h("span", { class: "label" }, row.label),
      h("b", {}, row.abstain ? this.number(row.count) : row.percent),
      row.abstain ? null : element);
  }

  /**
   * @param {number} more
   * @param {number} hidden
   */
  missingText(more, hidden) {
    const parts = [];
    if (more > 0) parts.push(this.texts.say("screen.more_results", { n: more }, more));
    if (hidden) parts.push(this.texts.say("screen.unpublished", { n: hidden }, hidden));
    return parts.join(" · ");
  }
}
