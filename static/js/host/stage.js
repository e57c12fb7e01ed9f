// What is on the screen now, and the large controls for it. The buttons are made once; only their texts and whether they
// are shown change, so that none loses the focus while ballots come in.

import { bar } from "../poll/bar.js";
import { quorumText, resultSummary } from "../poll/summary.js";
import { ballotCount, resultRows } from "../poll/tally.js";
import { updateRow } from "../poll/tallybars.js";
import { StateBadge } from "../task/badge.js";
import { h, keepFocus, setAttribute, setText } from "../ui/dom.js";
import { isResultShown } from "./commands.js";

/** @import { Poll, Tally, Wall } from "../net/wire.d.ts" */
/** @import { Row } from "../poll/tally.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { NextStep } from "./keys.js" */
/** @import { Item } from "./wallmodel.js" */

/**
 * @typedef {object} StageListener
 * @property {() => void} step
 * @property {() => void} previous
 * @property {() => void} next
 * @property {() => void} open
 * @property {() => void} toggleResults
 * @property {() => void} reset
 * @property {(change: {left?: number | null, add?: number}) => void} setTimer
 */

export class StagePanel {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, number: FormatNumber, page: {times: number[]}}} tools
   * @param {StageListener} on
   */
  constructor(element, { texts, number, page }, on) {
    this.texts = texts;
    this.number = number;
    /** @type {string | null} */
    this.structure = null;
    /** @type {Map<string, ReturnType<StagePanel["makeRow"]>>} */
    this.rows = new Map();
    /** @type {(text: string, action: () => void, kind?: string) => HTMLButtonElement} */
    const button = (text, action, kind = "") => h("button", { type: "button", class: kind, onclick: action }, text || null);
    this.phaseText = h("b");
    this.phase = h("span", { class: "phase" }, h("i"), this.phaseText);
    this.badge = new StateBadge(texts);
    this.facts = { round: h("span"), ballots: h("span"), result: h("span") };
    this.title = h("h2", { dir: "auto" });
    this.figures = h("ol", { class: "figures" });
    this.summary = h("p", { class: "quiet" });
    this.step = button("", () => on.step(), "step go");
    this.previous = button(texts.say("host.previous"), () => on.previous());
    this.next = button(texts.say("host.next"), () => on.next());
    this.openAgain = button(texts.say("home.open_again"), () => on.open());
    this.result = button("", () => on.toggleResults());
    this.reset = button(texts.say("home.reset"), () => on.reset());
    this.addTime = button(texts.say("host.add", { n: 30 }), () => on.setTimer({ add: 30 }));
    this.noEnd = button(texts.say("host.no_end"), () => on.setTimer({ left: null }));
    const times = page.times.map((n) => button(texts.say("host.left", { n }), () => on.setTimer({ left: n })));
    this.timerLabel = h("span", { class: "quiet" });
    this.timer = h("div", { class: "times", role: "group" }, this.timerLabel, times, this.addTime, this.noEnd);
    this.meta = h("p", { class: "meta" }, this.phase, this.badge.element, Object.values(this.facts));
    element.replaceChildren(this.meta, this.title, this.figures, this.summary,
      h("div", { class: "steer" }, this.previous, this.step, this.next),
      h("div", { class: "acts" }, this.openAgain, this.result, this.reset),
      this.timer);
  }

  /**
   * @param {{item: Item | null, wall: Wall, step: NextStep & {text: string}, busy: boolean}} content `item` is the active
   *   one, `step` what the large button does
   */
  update({ item, wall, step, busy }) {
    const focused = document.activeElement;
    const poll = (item && item.poll) || null;
    this.drawFacts(item, poll);
    setText(this.title, item ? item.title || this.texts.say("home.untitled") : this.texts.say("host.nothing"));
    this.drawFigures(item, poll);
    setText(this.step, step.text);
    setAttribute(this.step, "aria-disabled", step.do === "end" || step.do === "none");
    setAttribute(this.step, "aria-busy", busy);
    const { items, active } = wall;
    const index = active === null ? -1 : items.indexOf(active);
    setAttribute(this.previous, "aria-disabled", index === 0 || !items.length);
    setAttribute(this.next, "aria-disabled", !items.length || index === items.length - 1);
    this.reset.hidden = !poll || poll.phase !== "closed";
    this.openAgain.hidden = this.reset.hidden || Boolean(poll && poll.erased_at);
    this.result.hidden = !poll;
    if (poll) setText(this.result, this.texts.say(isResultShown(poll) ? "host.hide" : "host.show"));
    this.timer.hidden = !poll || poll.phase !== "open";
    setText(this.timerLabel, this.texts.say(poll && poll.closes_at ? "host.time" : "host.ends_in"));
    setAttribute(this.timer, "aria-label", this.timerLabel.textContent || "");
    this.addTime.hidden = this.noEnd.hidden = !poll || !poll.closes_at;
    keepFocus(focused, () => this.step);
  }

  /**
   * @param {Item | null} item
   * @param {Poll | null} poll
   */
  drawFacts(item, poll) {
    const { texts } = this;
    this.meta.hidden = !item;
    if (!item) return;
    this.phase.hidden = !poll;
    this.phase.dataset.phase = poll ? poll.phase : "";
    setText(this.phaseText, poll ? texts.say(`poll.phase.${poll.phase}`) : "");
    this.badge.element.hidden = Boolean(poll) || !item.state;
    if (item.state) this.badge.set(item.state);
    const cast = poll ? ballotCount(item) : 0;
    setText(this.facts.round, poll && poll.round > 1 ? texts.say("poll.round", { round: poll.round }) : "");
    setText(this.facts.ballots, poll && poll.phase !== "draft" ? texts.say("poll.ballots", { n: this.number(cast) }, cast) : "");
    setText(this.facts.result, poll ? texts.say(isResultShown(poll) ? "host.shown" : "host.hidden") : "");
  }

  /**
   * @param {Item | null} item
   * @param {Poll | null} poll
   */
  drawFigures(item, poll) {
    const tally = (item && item.tally) || null;
    const rows = poll ? resultRows(poll, tally) : [];
    this.figures.hidden = !rows.length;
    setText(this.summary, poll && poll.phase !== "draft" && tally ? this.summaryText(poll, tally) : "");
    this.summary.hidden = !this.summary.textContent;
    const structure = JSON.stringify([item && item.item, poll && poll.options]);
    if (structure !== this.structure) {
      this.rows = new Map(rows.map((row) => [row.id, this.makeRow(row)]));
      this.figures.replaceChildren(...[...this.rows.values()].map(({ element }) => element));
    }
    this.structure = structure;
    for (const row of rows) {
      const parts = this.rows.get(row.id);
      if (parts) updateRow(parts, row, this.number);
    }
  }

  /**
   * @param {Poll} poll
   * @param {Tally} tally
   */
  summaryText(poll, tally) {
    return [quorumText(poll, tally.ballots, this), resultSummary(poll, tally, null, this)].filter(Boolean).join(" · ");
  }

  /** @param {Row} row */
  makeRow(row) {
    const { element: track, set } = bar(row);
    const percent = h("b");
    const count = h("small");
    const element = h("li", {},
      h("span", { class: "name", dir: "auto" }, h("span", { class: "number" }, row.number), " ", row.label), percent, count, track);
    return { element, percent, count, set };
  }
}
