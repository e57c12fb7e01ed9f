// Who is in the room, and who is writing there. Both are volatile: the server sends them again when they change.

import { openDialog } from "../ui/dialog.js";
import { find, h, setText } from "../ui/dom.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */

/** While somebody writes, the others are told this often at most. */
const TELL_EVERY = 3_000;

/** @typedef {{people: number, names?: string[]}} Here */
/** @typedef {{names: string[], more: number}} Typing */

/**
 * Returns who is writing, in words, without the reader; an empty text for nobody.
 * @param {Typing | null | undefined} typing
 * @param {string} me the reader's name
 * @param {Texts} texts
 * @param {FormatNumber} number
 */
export function typingText(typing, me, texts, number) {
  const { names = [], more = 0 } = typing || {};
  const others = names.filter((name) => name !== me);
  if (!others.length) return "";
  const listed = others.join(", ");
  if (more) return texts.say("room.typing_many", { names: listed, n: number(more) }, more);
  return others.length === 1 ? texts.say("room.typing_one", { name: listed }) : texts.say("room.typing_some", { names: listed });
}

export class Presence {
  /**
   * @param {{texts: Texts, number: FormatNumber, env: Environment, live: LiveStreams, room: string, myName: () => string}} options
   */
  constructor({ texts, number, env, live, room, myName }) {
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.live = live;
    this.room = room;
    this.myName = myName;
    this.button = find("#present");
    this.typing = find("#typing");
    /** @type {Here | null} */
    this.here = null;
    this.toldAt = -TELL_EVERY;
    this.button.addEventListener("click", () => this.open());
  }

  /**
   * @param {Readonly<Record<string, any>>} values
   * @param {boolean} isLive while the connection is lost, nobody knows
   */
  update(values, isLive) {
    this.here = isLive && values.here ? values.here : null;
    const people = this.here ? this.here.people : 0;
    this.button.hidden = !people;
    if (people) setText(this.button, this.texts.say("room.here", { n: this.number(people) }));
    const text = isLive ? typingText(values.typing, this.myName(), this.texts, this.number) : "";
    this.typing.hidden = !text;
    setText(this.typing, text);
  }

  open() {
    if (!this.here) return;
    const { names } = this.here;
    openDialog({
      title: this.texts.say("room.who_is_here"),
      dismiss: this.texts.say("room.back"),
      parts: names
        ? h("ul", { class: "present" }, names.map((name) => h("li", { dir: "auto" }, name)))
        : h("p", {}, this.texts.say("room.too_many_here")),
    });
  }

  /** Tells the others that the reader is writing. */
  tell() {
    if (this.env.now() - this.toldAt < TELL_EVERY) return;
    this.toldAt = this.env.now();
    this.live.request({ do: "typing", room: this.room });
  }

  /** The next text is told at once. */
  sent() {
    this.toldAt = -TELL_EVERY;
  }
}
