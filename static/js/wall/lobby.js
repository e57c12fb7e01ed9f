// Before a question, between two, after the last one, or where there is nothing to read: one calm sentence; on a wall's
// screen also how many are here, and on a phone at the end the way to the results.

import { h, setText } from "../ui/dom.js";
import { lengthClass } from "../poll/tally.js";

export class Lobby {
  /** `people()` is how many are here, null where that is not known: given to screens alone. */
  constructor(stage, { texts, number, people = null }) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    this.people = people;
    this.shown = null;
  }

  leave() {
    this.shown = null;
  }

  update({ kind, stream, poll, wall, code, items }) {
    const { head, rest } = this.words(kind, stream, code);
    const title = poll ? poll.title : wall ? wall.title : "";
    const results = kind === "end" ? items.length > 0 : null;
    const shown = JSON.stringify([title, head, rest, results]);
    if (shown !== this.shown) {
      this.shown = shown;
      this.here = this.people ? h("p", { class: "here" }) : null;
      this.stage.replaceChildren(h("section", { class: "lobby" },
        h("h1", { dir: "auto", "data-length": lengthClass(title || head) }, title || head),
        title ? h("p", { class: "what" }, head) : null,
        results === null ? null : h("p", {}, results ? this.way(wall) : this.texts.say("lobby.unpublished")),
        h("p", {}, rest),
        this.here));
    }
    if (this.here) this.count();
  }

  way({ code }) {
    return h("a", { class: "second", href: `/w/${code}/print` }, this.texts.say("lobby.results"));
  }

  /** Nobody is not worth a line. */
  count() {
    const people = this.people() || 0;
    this.here.hidden = !people;
    setText(this.here, this.texts.say("screen.here", { n: this.number(people) }, people));
  }

  words(kind, stream, code) {
    const say = (key) => this.texts.say(key);
    if (kind === "gone") {
      const key = `error.${code}`;
      return { head: say("lobby.gone"), rest: this.texts.has(key) ? say(key) : say("lobby.gone_rest") };
    }
    if (kind === "end") return { head: say("lobby.over"), rest: say("lobby.over_rest") };
    if (kind === "waiting") return { head: say("live.connecting"), rest: "" };
    return { head: say(stream ? "lobby.draft" : "lobby.nothing"), rest: say(this.people ? "screen.lobby_rest" : "lobby.rest") };
  }
}
