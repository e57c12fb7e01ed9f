// Before a question, between two, or where there is nothing to read: one calm sentence; on a wall's screen also how
// many are here.

import { h, setText } from "../dom.js";
import { lengthClass } from "../tally.js";

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

  update({ kind, stream, poll, wall, code }) {
    const { head, rest } = this.words(kind, stream, code);
    const title = poll ? poll.title : wall ? wall.title : "";
    const shown = JSON.stringify([title, head, rest]);
    if (shown !== this.shown) {
      this.shown = shown;
      this.here = this.people ? h("p", { class: "here" }) : null;
      this.stage.replaceChildren(h("section", { class: "lobby" },
        h("h1", { dir: "auto", "data-length": lengthClass(title || head) }, title || head),
        title ? h("p", { class: "what" }, head) : null,
        h("p", {}, rest),
        this.here));
    }
    if (this.here) this.count();
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
    if (kind === "waiting") return { head: say("live.connecting"), rest: "" };
    return { head: say(stream ? "lobby.draft" : "lobby.nothing"), rest: say(this.people ? "screen.lobby_rest" : "lobby.rest") };
  }
}
