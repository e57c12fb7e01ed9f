// What a page shows before a question, between two, after the last one, or where there is nothing to read: one calm
// sentence. A wall's screen adds how many people are here, and a phone at the end the way to the results.

import { h, setText } from "../ui/dom.js";
import { lengthClass } from "../ui/length.js";

/** @import { Poll, Stream, Wall } from "../net/wire.d.ts" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */

/**
 * @typedef {object} LobbyContent
 * @property {string} kind
 * @property {Stream | null} [stream]
 * @property {Poll | null} [poll] a draft
 * @property {Stream} [beside] what the wall shows instead of a vote
 * @property {Wall} [wall]
 * @property {string} [code] why nothing can be read
 * @property {unknown[]} [items] at the end, the results that may be seen
 */

export class Lobby {
  /**
   * @param {HTMLElement} stage
   * @param {{texts: Texts, number: FormatNumber, people?: (() => number | null) | null}} tools `people` returns how many
   *   are here, null if that is unknown; only screens have it
   */
  constructor(stage, { texts, number, people = null }) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    this.people = people;
    /** @type {string | null} */
    this.shown = null;
    /** @type {HTMLElement | null} */
    this.count = null;
  }

  /** Another view takes the stage. */
  leave() {
    this.shown = null;
  }

  /** @param {LobbyContent} content */
  update({ kind, stream, poll, beside, wall, code, items }) {
    const { head, rest } = this.textsOf(kind, stream, code, beside);
    const title = poll ? poll.title : wall ? wall.title : "";
    const hasResults = kind === "end" && items ? items.length > 0 : null;
    const shown = JSON.stringify([title, head, rest, hasResults]);
    if (shown !== this.shown) {
      this.shown = shown;
      this.count = this.people ? h("p", { class: "here" }) : null;
      this.stage.replaceChildren(h("section", { class: "lobby" },
        h("h1", { dir: "auto", "data-length": lengthClass(title || head) }, title || head),
        title ? h("p", { class: "what" }, head) : null,
        hasResults === null ? null : h("p", {}, hasResults && wall ? this.resultsLink(wall) : this.texts.say("lobby.unpublished")),
        h("p", {}, rest),
        this.count));
    }
    if (this.count && this.people) this.drawCount(this.count, this.people() || 0);
  }

  /** @param {Wall} wall */
  resultsLink({ code }) {
    return h("a", { class: "second", href: `/w/${code}/print` }, this.texts.say("lobby.results"));
  }

  /**
   * @param {HTMLElement} element
   * @param {number} people
   */
  drawCount(element, people) {
    element.hidden = !people;
    setText(element, this.texts.say("screen.here", { n: this.number(people) }, people));
  }

  /**
   * @param {string} kind
   * @param {Stream | null | undefined} stream
   * @param {string | undefined} code
   * @param {Stream | undefined} beside
   */
  textsOf(kind, stream, code, beside) {
    const say = (/** @type {string} */ key) => this.texts.say(key);
    if (kind === "gone") {
      const [itemKind] = (stream || "").split("/");
      const why = itemKind === "questions" ? "screen.asks_off" : itemKind !== "rooms" ? "" : code === "unauthenticated" ? "screen.room_signed_in" : "screen.room_gone";
      if (why && this.texts.has(why)) return { head: say(why), rest: "" };
      const key = `error.${code}`;
      return { head: say("lobby.gone"), rest: this.texts.has(key) ? say(key) : say("lobby.gone_reason") };
    }
    if (kind === "end") return { head: say("lobby.over"), rest: say("lobby.over_wait") };
    if (kind === "waiting") return { head: say("live.connecting"), rest: "" };
    const head = beside ? "lobby.next" : stream ? "lobby.draft" : "lobby.nothing";
    return { head: say(head), rest: say(this.people ? "screen.lobby_invitation" : "lobby.wait") };
  }
}
