// One item in the host's list. Made once; what changes is set in place.

import { ballotCount } from "../poll/tally.js";
import { StateBadge } from "../task/badge.js";
import { h, setAttribute, setText } from "../ui/dom.js";
import { isResultShown } from "./commands.js";

/** @import { Poll, Stream } from "../net/wire.d.ts" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Item } from "./wallmodel.js" */

/** Pages and files of a poll that was opened: [text key, path]. */
const PAGES = [["home.audience", ""], ["home.screen", "/screen"], ["poll.replay", "/replay"], ["home.print", "/print"]];
const FILES = [["home.csv", "ballots.csv"], ["home.json", "results.json"]];

/**
 * What the buttons of a row do.
 * @typedef {object} RowListener
 * @property {(item: Stream) => void} show
 * @property {(item: Stream) => void} togglePhase
 * @property {(item: Stream) => void} toggleResults
 * @property {(item: Stream) => void} edit
 * @property {(item: Stream) => void} duplicate
 * @property {(item: Stream) => void} reset
 * @property {(item: Stream) => void} erase
 * @property {(item: Stream) => void} archive
 * @property {(item: Stream, by: number) => void} moveBy
 * @property {(item: Stream) => void} [remove] takes an item off the wall that is no poll
 */

export class ItemRow {
  /**
   * @param {Stream} item
   * @param {{texts: Texts, number: FormatNumber}} tools
   * @param {RowListener} on
   */
  constructor(item, { texts, number }, on) {
    this.item = item;
    this.texts = texts;
    this.number = number;
    /** @type {(key: string, action: () => void) => HTMLButtonElement} */
    const button = (key, action) => h("button", { type: "button", onclick: action }, key ? texts.say(key) : null);
    this.handle = h("span", { class: "handle", "aria-hidden": "true", title: texts.say("host.drag") });
    this.place = h("span", { class: "number" });
    this.title = h("span", { class: "title", dir: "auto" });
    this.phaseText = h("b");
    this.phase = h("span", { class: "phase" }, h("i"), this.phaseText);
    this.badge = new StateBadge(texts);
    this.ballots = h("span");
    this.result = h("span");
    this.erased = h("span");
    this.show = h("button", { type: "button", class: "show", onclick: () => on.show(item) });
    this.phaseButton = button("", () => on.togglePhase(item));
    this.resultButton = button("", () => on.toggleResults(item));
    this.reset = button("home.reset", () => on.reset(item));
    this.erase = button("home.erase", () => on.erase(item));
    this.links = h("p", { class: "meta" },
      PAGES.map(([key, path]) => h("a", { href: `/${item}${path}` }, texts.say(key))),
      FILES.map(([key, name]) => h("a", { href: `/api/${item}/${name}`, "aria-label": `${texts.say("home.exports")} ${texts.say(key)}` }, texts.say(key))));
    this.summary = h("summary", {}, texts.say("host.more"));
    const isPoll = item.startsWith("polls/");
    const pollButtons = isPoll ? [
      this.phaseButton, this.resultButton, button("host.edit", () => on.edit(item)),
      button("host.duplicate", () => on.duplicate(item)), this.reset, this.erase, button("home.archive", () => on.archive(item)),
    ] : [button("host.remove", () => on.remove && on.remove(item))];
    const isRoom = item.startsWith("rooms/");
    this.element = h("li", {},
      h("div", { class: "row" }, this.handle, this.place, this.title,
        h("span", { class: "meta" }, this.phase, this.badge.element, this.ballots, this.result, this.erased), this.show),
      h("details", {}, this.summary,
        h("div", { class: "acts" }, button("host.up", () => on.moveBy(item, -1)), button("host.down", () => on.moveBy(item, 1)), pollButtons),
        isPoll ? this.links : isRoom ? h("p", { class: "meta" }, h("a", { href: `/${item}` }, texts.say("host.to_room"))) : null));
  }

  /** @param {{place: number, item: Item, isActive: boolean}} content */
  update({ place, item, isActive }) {
    const { poll, state, count } = item;
    const say = (/** @type {string} */ key) => this.texts.say(key);
    const title = item.title || say("home.untitled");
    setText(this.place, place + 1);
    setText(this.title, title);
    this.element.classList.toggle("on", isActive);
    if (isActive) setAttribute(this.element, "aria-current", "true");
    else this.element.removeAttribute("aria-current");
    const action = say(isActive ? "home.take_off" : "home.show");
    setText(this.show, action);
    setAttribute(this.show, "aria-label", `${action}: ${title}`);
    setAttribute(this.summary, "aria-label", `${say("host.more")}: ${title}`);
    this.phase.hidden = !poll;
    this.badge.element.hidden = Boolean(poll) || !state;
    if (state) this.badge.set(state);
    if (typeof count === "number") setText(this.ballots, this.texts.say("host.messages", { n: this.number(count) }, count));
    if (poll) this.drawPoll(poll, ballotCount(item));
  }

  /**
   * @param {Poll} poll
   * @param {number} ballots
   */
  drawPoll(poll, ballots) {
    const say = (/** @type {string} */ key) => this.texts.say(key);
    this.phase.dataset.phase = poll.phase;
    setText(this.phaseText, say(`poll.phase.${poll.phase}`));
    setText(this.ballots, poll.phase === "draft" ? "" : this.texts.say("poll.ballots", { n: this.number(ballots) }, ballots));
    setText(this.result, isResultShown(poll) ? "" : say("host.hidden"));
    setText(this.erased, poll.erased_at ? this.texts.say("home.erased", { date: poll.erased_at.slice(0, 10) }) : "");
    setText(this.phaseButton, say(poll.phase === "open" ? "home.close" : poll.phase === "draft" ? "home.open" : "home.open_again"));
    setText(this.resultButton, say(isResultShown(poll) ? "host.hide" : "host.show"));
    this.phaseButton.hidden = Boolean(poll.erased_at);
    this.reset.hidden = poll.phase !== "closed";
    this.erase.hidden = this.reset.hidden || Boolean(poll.erased_at);
    this.links.hidden = poll.phase === "draft";
  }
}
