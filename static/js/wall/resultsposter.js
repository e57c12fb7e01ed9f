// The end of a wall: all results that may be seen, side by side. Nothing moves any more, so it is built anew whenever
// something changed.

import { beside, quorum } from "../poll/summary.js";
import { h } from "../ui/dom.js";
import { mostChosen, multiples } from "./results.js";
import { lengthClass, rows } from "../poll/tally.js";
import { bar } from "../poll/bar.js";

export class Finale {
  constructor(stage, { texts, number }) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    this.shown = null;
  }

  leave() {
    this.shown = null;
  }

  update({ wall, items, hidden }) {
    const shown = JSON.stringify([wall.title, items, hidden]);
    if (shown === this.shown) return;
    this.shown = shown;
    const { columns, options, shown: most } = multiples(items.length);
    this.stage.replaceChildren(h("section", { class: "end", "data-columns": columns },
      h("h1", { dir: "auto", "data-length": lengthClass(wall.title) }, wall.title),
      h("p", { class: "what" }, this.texts.say("screen.all_results")),
      h("div", { class: "results" }, items.slice(0, most).map((item) => this.result(item, options))),
      h("p", { class: "note" }, this.left(items.length - most, hidden))));
  }

  result({ poll, tally }, room) {
    const list = rows(poll, tally);
    const few = mostChosen(list, room);
    const tools = { texts: this.texts, number: this.number };
    const facts = [
      this.texts.say("poll.ballots", { n: this.number(tally.ballots) }, tally.ballots),
      quorum(poll, tally.ballots, tools),
      beside(poll, tally, null, tools),
      few.length < list.length ? this.texts.say("screen.more_options", { n: list.length - few.length }, list.length - few.length) : "",
    ];
    return h("article", {},
      h("h2", { dir: "auto" }, poll.title),
      h("ol", {}, few.map((row) => this.row(row))),
      h("p", { class: "facts" }, facts.filter(Boolean).join(" · ")));
  }

  row(row) {
    const drawn = bar(row);
    drawn.set(row.share);
    return h("li", { class: row.first ? "first" : null, dir: "auto" },
      h("span", { class: "label" }, row.label),
      h("b", {}, row.abstain ? this.number(row.count) : row.percent),
      row.abstain ? null : drawn.element);
  }

  left(more, hidden) {
    const said = [];
    if (more > 0) said.push(this.texts.say("screen.more_results", { n: more }, more));
    if (hidden) said.push(this.texts.say("screen.unpublished", { n: hidden }, hidden));
    return said.join(" · ");
  }
}
