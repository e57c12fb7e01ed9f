// One item in the host's list. Made once; what changes is set in place.

import { h, setAttribute, setText } from "../ui/dom.js";
import { isShown } from "./commands.js";
import { ballots } from "../poll/tally.js";
import { Badge } from "../task/badge.js";

/** Pages and files of a poll that was opened: [text, path]. */
const PLACES = [["home.audience", ""], ["home.screen", "/screen"], ["poll.replay", "/replay"], ["home.print", "/print"]];
const FILES = [["home.csv", "ballots.csv"], ["home.json", "results.json"]];

export class HostRow {
  /** `on` has what the buttons do, each with the item's name. */
  constructor(item, { texts, number }, on) {
    this.item = item;
    this.texts = texts;
    this.count = number;
    const button = (key, act) => h("button", { type: "button", onclick: () => on[act](item) }, texts.say(key));
    this.handle = h("span", { class: "handle", "aria-hidden": "true", title: texts.say("host.drag") });
    this.number = h("span", { class: "number" });
    this.title = h("span", { class: "title", dir: "auto" });
    this.word = h("b");
    this.phase = h("span", { class: "phase" }, h("i"), this.word);
    this.badge = new Badge(texts);
    this.ballots = h("span");
    this.result = h("span");
    this.erased = h("span");
    this.show = h("button", { type: "button", class: "show", onclick: () => on.show(item) });
    this.poll = item.startsWith("polls/");
    this.phaseButton = h("button", { type: "button", onclick: () => on.phase(item) });
    this.resultButton = h("button", { type: "button", onclick: () => on.results(item) });
    this.reset = button("home.reset", "reset");
    this.erase = button("home.erase", "erase");
    this.links = h("p", { class: "meta" },
      PLACES.map(([key, path]) => h("a", { href: `/${item}${path}` }, texts.say(key))),
      FILES.map(([key, name]) => h("a", { href: `/api/${item}/${name}`, "aria-label": `${texts.say("home.exports")} ${texts.say(key)}` }, texts.say(key))));
    this.summary = h("summary", {}, texts.say("host.more"));
    const own = this.poll ? [this.phaseButton, this.resultButton, button("host.edit", "edit"), button("host.duplicate", "duplicate"), this.reset, this.erase, button("home.archive", "archive")] : [];
    this.element = h("li", {},
      h("div", { class: "row" }, this.handle, this.number, this.title, h("span", { class: "meta" }, this.phase, this.badge.element, this.ballots, this.result, this.erased), this.show),
      h("details", {}, this.summary, h("div", { class: "acts" }, button("host.up", "up"), button("host.down", "down"), own), this.poll ? this.links : null));
  }

  update({ place, entry, active }) {
    const { poll, state } = entry;
    const title = entry.title || this.texts.say("home.untitled");
    const say = (key) => this.texts.say(key);
    setText(this.number, place + 1);
    setText(this.title, title);
    this.element.classList.toggle("on", active);
    if (active) setAttribute(this.element, "aria-current", "true");
    else this.element.removeAttribute("aria-current");
    setText(this.show, say(active ? "home.take_off" : "home.show"));
    setAttribute(this.show, "aria-label", `${say(active ? "home.take_off" : "home.show")}: ${title}`);
    setAttribute(this.summary, "aria-label", `${say("host.more")}: ${title}`);
    this.phase.hidden = !poll;
    this.badge.element.hidden = Boolean(poll) || !state;
    if (state) this.badge.set(state);
    if (!poll) return;
    this.phase.dataset.phase = poll.phase;
    setText(this.word, say(`poll.phase.${poll.phase}`));
    const count = ballots(entry);
    setText(this.ballots, poll.phase === "draft" ? "" : this.texts.say("poll.ballots", { n: this.count(count) }, count));
    setText(this.result, isShown(poll) ? "" : say("host.hidden"));
    setText(this.erased, poll.erased_at ? this.texts.say("home.erased", { date: poll.erased_at.slice(0, 10) }) : "");
    setText(this.phaseButton, say(poll.phase === "open" ? "home.close" : poll.phase === "draft" ? "home.open" : "home.open_again"));
    setText(this.resultButton, say(isShown(poll) ? "host.hide" : "host.show"));
    this.phaseButton.hidden = Boolean(poll.erased_at);
    this.reset.hidden = poll.phase !== "closed";
    this.erase.hidden = this.reset.hidden || Boolean(poll.erased_at);
    this.links.hidden = poll.phase === "draft";
  }
}
