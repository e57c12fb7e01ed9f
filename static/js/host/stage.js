// What stands on the screen now, and the big controls for it. The buttons are made once; only their words and whether
// they are there change, so that none loses the focus while ballots come in.

import { h, keepFocus, setAttribute, setText } from "../ui/dom.js";
import { beside, quorum } from "../poll/summary.js";
import { isShown } from "./commands.js";
import { ballots, rows } from "../poll/tally.js";
import { Badge } from "../task/badge.js";
import { bar } from "../poll/bar.js";

export class HostStage {
  /** `on` has what the buttons do: step(), previous(), next(), open(), results(), time(given), reset(). */
  constructor(element, { texts, number, page }, on) {
    this.texts = texts;
    this.number = number;
    this.structure = null;
    const button = (key, act, kind = "") => h("button", { type: "button", class: kind, onclick: act }, key && texts.say(key));
    this.word = h("b");
    this.phase = h("span", { class: "phase" }, h("i"), this.word);
    this.badge = new Badge(texts);
    this.facts = { round: h("span"), ballots: h("span"), result: h("span") };
    this.title = h("h2", { dir: "auto" });
    this.figures = h("ol", { class: "figures" });
    this.rules = h("p", { class: "quiet" });
    this.step = button("", () => on.step(), "step go");
    this.back = button("host.previous", () => on.previous());
    this.ahead = button("host.next", () => on.next());
    this.again = button("home.open_again", () => on.open());
    this.result = button("", () => on.results());
    this.reset = button("home.reset", () => on.reset());
    this.more = button("", () => on.time({ add: 30 }));
    setText(this.more, texts.say("host.add", { n: 30 }));
    this.endless = button("host.no_end", () => on.time({ left: null }));
    const times = page.times.map((n) => h("button", { type: "button", onclick: () => on.time({ left: n }) }, texts.say("host.left", { n })));
    this.ends = h("span", { class: "quiet" });
    this.clock = h("div", { class: "times", role: "group" }, this.ends, times, this.more, this.endless);
    this.meta = h("p", { class: "meta" }, this.phase, this.badge.element, Object.values(this.facts));
    element.replaceChildren(this.meta, this.title, this.figures, this.rules,
      h("div", { class: "steer" }, this.back, this.step, this.ahead),
      h("div", { class: "acts" }, this.again, this.result, this.reset),
      this.clock);
  }

  /** `entry` is the active item {title, poll, tally, turnout, state}, or null; `step` what the big button does. */
  update({ entry, step, items, wall, busy }) {
    const held = document.activeElement;
    const poll = entry && entry.poll;
    this.drawFacts(entry, poll);
    setText(this.title, entry ? entry.title || this.texts.say("home.untitled") : this.texts.say("host.nothing"));
    this.drawFigures(entry, poll);
    setText(this.step, step.words);
    setAttribute(this.step, "aria-disabled", step.do === "end" || step.do === "none");
    setAttribute(this.step, "aria-busy", busy);
    const place = items.indexOf(wall.active);
    setAttribute(this.back, "aria-disabled", place === 0 || !items.length);
    setAttribute(this.ahead, "aria-disabled", !items.length || place === items.length - 1);
    this.reset.hidden = !poll || poll.phase !== "closed";
    this.again.hidden = this.reset.hidden || Boolean(poll.erased_at);
    this.result.hidden = !poll;
    if (poll) setText(this.result, this.texts.say(isShown(poll) ? "host.hide" : "host.show"));
    this.clock.hidden = !poll || poll.phase !== "open";
    setText(this.ends, this.texts.say(poll && poll.closes_at ? "host.time" : "host.ends_in"));
    setAttribute(this.clock, "aria-label", this.ends.textContent);
    this.more.hidden = this.endless.hidden = !poll || !poll.closes_at;
    keepFocus(held, () => this.step);
  }

  drawFacts(entry, poll) {
    const { texts } = this;
    this.meta.hidden = !entry;
    if (!entry) return;
    const { round, ballots: cast, result } = this.facts;
    this.phase.hidden = !poll;
    this.phase.dataset.phase = poll ? poll.phase : "";
    setText(this.word, poll ? texts.say(`poll.phase.${poll.phase}`) : "");
    this.badge.element.hidden = Boolean(poll) || !entry.state;
    if (entry.state) this.badge.set(entry.state);
    const count = poll ? ballots(entry) : 0;
    setText(round, poll && poll.round > 1 ? texts.say("poll.round", { round: poll.round }) : "");
    setText(cast, poll && poll.phase !== "draft" ? texts.say("poll.ballots", { n: this.number(count) }, count) : "");
    setText(result, poll ? texts.say(isShown(poll) ? "host.shown" : "host.hidden") : "");
  }

  drawFigures(entry, poll) {
    const list = poll ? rows(poll, entry.tally) : [];
    this.figures.hidden = !list.length;
    const counted = poll && poll.phase !== "draft" && entry.tally;
    setText(this.rules, counted ? [quorum(poll, entry.tally.ballots, this), beside(poll, entry.tally, null, this)].filter(Boolean).join(" · ") : "");
    this.rules.hidden = !this.rules.textContent;
    const structure = JSON.stringify([entry && entry.item, poll && poll.options]);
    if (structure !== this.structure) this.build(list);
    this.structure = structure;
    for (const row of list) {
      const { percent, count, set, element } = this.rows.get(row.id);
      set(row.share);
      setText(percent, row.percent);
      setText(count, this.number(row.count));
      element.classList.toggle("first", row.first);
    }
  }

  build(list) {
    this.rows = new Map();
    this.figures.replaceChildren(...list.map((row) => {
      const drawn = bar(row);
      const made = { percent: h("b"), count: h("small"), set: drawn.set };
      made.element = h("li", {},
        h("span", { class: "name", dir: "auto" }, h("span", { class: "number" }, row.number), " ", row.label), made.percent, made.count, drawn.element);
      this.rows.set(row.id, made);
      return made.element;
    }));
  }
}
