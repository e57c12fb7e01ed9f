// The field in which a message is written: Enter sends, Shift+Enter breaks the line, ↑ in an empty field changes one's own
// last message, Esc cancels. What is written is kept until it is sent.

import { find, setText } from "../ui/dom.js";
import { fitField } from "../ui/textfield.js";
import { excerpt } from "./groups.js";

/** @import { Announcer } from "../ui/announcer.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { Message } from "./messages.js" */
/** @import { RoomStorage } from "./storage.js" */

/**
 * @typedef {object} ComposerActs
 * @property {(text: string, replyTo: number | null) => void} say
 * @property {(message: Message, text: string) => Promise<string>} edit resolves with why it was refused, or an empty text
 * @property {() => Message | null} lastOwn
 * @property {() => void} typing
 */

export class Composer {
  /**
   * @param {{texts: Texts, storage: RoomStorage, announcer: Announcer, on: ComposerActs}} options
   */
  constructor({ texts, storage, announcer, on }) {
    this.texts = texts;
    this.storage = storage;
    this.announcer = announcer;
    this.on = on;
    /** @type {HTMLFormElement} */
    this.form = find("#say");
    /** @type {HTMLTextAreaElement} */
    this.field = find("#text");
    /** @type {HTMLButtonElement} */
    this.button = find("button.primary", this.form);
    this.about = find("#about");
    this.saying = find("#saying");
    this.saying.removeAttribute("role"); // a countdown is not spoken every second
    /** @type {Message | null} */
    this.editing = null;
    /** @type {Message | null} */
    this.replying = null;
    this.problem = "";
    this.spoken = "";
    this.field.rows = 1;
    this.field.required = false;
    this.field.removeAttribute("maxlength"); // a text that is too long is not cut, but said to be so
    this.field.setAttribute("enterkeyhint", "send");
    if (!this.field.value) this.field.value = storage.draft;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.field.addEventListener("keydown", (event) => this.pressed(event));
    this.field.addEventListener("input", () => this.typed());
    find("button", this.about).addEventListener("click", () => this.cancel());
    this.fit();
  }

  typed() {
    if (!this.editing) this.storage.draft = this.field.value;
    this.problem = "";
    this.fit();
    if (this.field.value) this.on.typing();
  }

  fit() {
    const over = fitField(this.field);
    this.problem = over > 0 ? this.texts.say("room.long", { n: over }) : this.problem;
    this.button.disabled = over > 0;
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.isComposing || event.keyCode === 229) return; // Enter ends a word of an input method
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && !this.field.value && !this.editing) {
      const message = this.on.lastOwn();
      if (!message) return;
      event.preventDefault();
      this.edit(message);
    } else if (event.key === "Escape" && (this.editing || this.replying)) {
      event.preventDefault();
      this.cancel();
    }
  }

  async submit() {
    const text = this.field.value.trim();
    if (!text || this.button.disabled) return;
    const { editing, replying } = this;
    if (!editing) {
      this.storage.draft = "";
      this.field.value = "";
      this.reset();
      this.on.say(text, replying ? replying.n : null);
      return;
    }
    this.button.disabled = true;
    this.problem = text === editing.text ? "" : await this.on.edit(editing, text);
    this.button.disabled = false;
    if (!this.problem && this.editing === editing) this.cancel();
    else this.announcer.repeat(this.problem);
  }

  /** @param {Message} message */
  edit(message) {
    this.reset();
    this.editing = message;
    this.field.value = message.text || "";
    this.show(this.texts.say("room.editing"), "room.save");
  }

  /** @param {Message} message */
  reply(message) {
    if (this.editing) this.cancel();
    this.replying = message;
    this.show(`${this.texts.say("room.replying_to", { name: message.name })}: ${excerpt(message.text || "")}`, "room.send");
  }

  /**
   * @param {string} text
   * @param {string} key
   */
  show(text, key) {
    setText(find("span", this.about), text);
    find("button", this.about).hidden = false;
    this.about.hidden = false;
    setText(this.button, this.texts.say(key));
    this.fit();
    this.field.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  cancel() {
    if (this.editing) this.field.value = this.storage.draft;
    this.reset();
    this.field.focus();
  }

  reset() {
    this.editing = null;
    this.replying = null;
    this.problem = "";
    this.about.hidden = true;
    setText(this.button, this.texts.say("room.send"));
    this.fit();
  }

  /**
   * Says in words what stands between the reader and the room. `forbidden` hides the field; `waiting` counts down.
   * @param {{forbidden: string, waiting: string, away: string}} state
   */
  update({ forbidden, waiting, away }) {
    if (this.form.hidden !== Boolean(forbidden)) this.form.hidden = Boolean(forbidden);
    const text = forbidden || this.problem || waiting || away;
    setText(this.saying, text);
    this.saying.classList.toggle("bad", Boolean(this.problem) && !forbidden);
    const kind = forbidden || this.problem || (waiting ? "waiting" : away);
    if (kind !== this.spoken && text) this.announcer.announce(text);
    this.spoken = kind;
  }
}
