// What can be done with one message: reply, change it, withdraw it, mute who said it. Asks before something is lost.

import { confirm, openDialog } from "../ui/dialog.js";
import { h } from "../ui/dom.js";
import { excerpt } from "./groups.js";

/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Notice } from "../ui/notice.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { RoomCalls } from "./calls.js" */
/** @import { Composer } from "./composer.js" */
/** @import { Moderation } from "./moderation.js" */
/** @import { Message } from "./messages.js" */

/** For so long an author may change or withdraw a message. */
const EDIT_MILLISECONDS = 15 * 60_000;

/**
 * Whether the reader may still change a message.
 * @param {Message} message
 * @param {string | null} me
 * @param {number} now milliseconds by the server's clock
 */
export function isEditable(message, me, now) {
  return !message.withdrawn && me !== null && message.from === me && now - Date.parse(message.at) < EDIT_MILLISECONDS;
}

export class MessageActs {
  /**
   * @param {{texts: Texts, calls: RoomCalls, composer: Composer, notice: Notice, moderation: Moderation | null,
   *   state: {me: string | null, mayWrite: boolean}, now: () => number, errorText: (error: ApiError) => string,
   *   taken: (message: Message) => void, addressOf: (message: Message) => string}} options
   */
  constructor({ texts, calls, composer, notice, moderation, state, now, errorText, taken, addressOf }) {
    this.texts = texts;
    this.calls = calls;
    this.composer = composer;
    this.notice = notice;
    this.moderation = moderation;
    this.state = state;
    this.now = now;
    this.errorText = errorText;
    this.taken = taken;
    this.addressOf = addressOf;
  }

  /** @param {Message} message */
  open(message) {
    const { texts, state, moderation } = this;
    const isOwn = state.me !== null && message.from === state.me;
    const mayEdit = isEditable(message, state.me, this.now());
    /** @type {[string, () => void, string?][]} */
    const acts = [];
    if (state.mayWrite) acts.push([texts.say("room.reply"), () => this.composer.reply(message)]);
    if (mayEdit && state.mayWrite) acts.push([texts.say("room.edit"), () => this.composer.edit(message)]);
    if (mayEdit || moderation) acts.push([texts.say("room.withdraw"), () => this.askToWithdraw(message), "danger"]);
    if (moderation && !isOwn && message.from) {
      const key = moderation.isMuted(message.from) ? "room.unmute_whom" : "room.mute_whom";
      acts.push([texts.say(key, { name: message.name }), () => moderation.toggleMute(message)]);
    }
    const address = this.addressOf(message);
    if (address) acts.push([texts.say("inbox.write_to", { name: message.name }), () => location.assign(address)]);
    if (navigator.clipboard) acts.push([texts.say("room.copy_link"), () => this.copyLink(message)]);
    const dialog = openDialog({
      title: texts.say("room.acts_of", { name: message.name }),
      dismiss: texts.say("room.cancel"),
      kind: "messageacts",
      parts: [
        h("p", { class: "quiet", dir: "auto" }, excerpt(message.text || "")),
        ...acts.map(([text, act, kind = "second"]) => h("p", {}, h("button", {
          type: "button", class: kind, dir: "auto", onclick: () => { dialog.close(); act(); },
        }, text))),
      ],
    });
  }

  /** @param {Message} message */
  askToWithdraw(message) {
    const { texts } = this;
    confirm({
      title: texts.say("room.withdraw_sure"), text: texts.say("room.withdraw_means"),
      yes: texts.say("room.withdraw"), no: texts.say("room.cancel"),
    }, () => this.withdraw(message));
  }

  /** @param {Message} message */
  async withdraw(message) {
    const { ok, error } = await this.calls.change("DELETE", `/messages/${message.n}`);
    if (ok) this.taken(ok);
    this.notice.show(error ? this.errorText(error) : this.texts.say("room.withdraw_done"), { wrong: Boolean(error) });
  }

  /** @param {Message} message */
  async copyLink(message) {
    await navigator.clipboard.writeText(`${location.origin}${location.pathname}#m${message.n}`);
    this.notice.show(this.texts.say("room.copied"));
  }

  /**
   * Changes one's own message. Resolves with why that was refused, or with an empty text.
   * @param {Message} message
   * @param {string} text
   */
  async edit(message, text) {
    const { ok, error } = await this.calls.change("PUT", `/messages/${message.n}`, { text });
    if (ok) this.taken(ok);
    return error ? this.errorText(error) : "";
  }
}
