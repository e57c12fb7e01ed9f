// Before a question, between two, or where there is nothing to read: one calm sentence.

import { h } from "../dom.js";
import { lengthClass } from "../tally.js";

export class Lobby {
  constructor(stage, { texts }) {
    this.stage = stage;
    this.texts = texts;
    this.shown = null;
  }

  leave() {
    this.shown = null;
  }

  update({ kind, stream, poll, wall, code }) {
    const { head, rest } = this.words(kind, stream, code);
    const title = poll ? poll.title : wall ? wall.title : "";
    const shown = JSON.stringify([title, head, rest]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.stage.replaceChildren(h("section", { class: "lobby" },
      h("h1", { dir: "auto", "data-length": lengthClass(title || head) }, title || head), title ? h("p", { class: "what" }, head) : null, h("p", {}, rest)));
  }

  words(kind, stream, code) {
    const say = (key) => this.texts.say(key);
    if (kind === "gone") {
      const key = `error.${code}`;
      return { head: say("lobby.gone"), rest: this.texts.has(key) ? say(key) : say("lobby.gone_rest") };
    }
    if (kind === "waiting") return { head: say("live.connecting"), rest: "" };
    return { head: say(stream ? "lobby.draft" : "lobby.nothing"), rest: say("lobby.rest") };
  }
}
