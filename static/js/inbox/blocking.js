// The button that blocks the other of a conversation, and lifts that. Asks before it blocks, and can be undone for a while.

import { confirm } from "../ui/dialog.js";
import { find, setText } from "../ui/dom.js";

/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Notice } from "../ui/notice.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { InboxCalls } from "./calls.js" */
/** @import { Conversation } from "./conversations.js" */

export class Blocking {
  /**
   * @param {{texts: Texts, calls: InboxCalls, notice: Notice, errorText: (error: ApiError) => string,
   *   taken: (conversation: Conversation) => void}} options
   */
  constructor({ texts, calls, notice, errorText, taken }) {
    this.texts = texts;
    this.calls = calls;
    this.notice = notice;
    this.errorText = errorText;
    this.taken = taken;
    /** @type {HTMLButtonElement} */
    this.button = find("#block");
    /** @type {Conversation | null} */
    this.conversation = null;
    this.button.addEventListener("click", () => this.pressed());
  }

  /** @param {Conversation | null} conversation null before the first message: there is nobody to block yet */
  update(conversation) {
    this.conversation = conversation;
    this.button.hidden = conversation === null;
    if (conversation) setText(this.button, conversation.blocked ? this.texts.say("inbox.unblock") : `${this.texts.say("inbox.block")}…`);
  }

  pressed() {
    const { conversation, texts } = this;
    if (!conversation) return;
    if (conversation.blocked) {
      this.set(conversation, false);
      return;
    }
    confirm({
      title: texts.say("inbox.block_sure", { name: conversation.with.name }), text: texts.say("inbox.block_means"),
      yes: texts.say("inbox.block"), no: texts.say("room.cancel"),
    }, () => this.set(conversation, true));
  }

  /**
   * @param {Conversation} conversation
   * @param {boolean} blocked
   */
  async set(conversation, blocked, mayUndo = true) {
    const { ok, error } = await this.calls.edit(conversation.id, { blocked });
    if (error) {
      this.notice.show(this.errorText(error), { wrong: true });
      return;
    }
    this.taken(ok);
    const undo = mayUndo ? () => void this.set(conversation, !blocked, false) : null;
    this.notice.show(this.texts.say(blocked ? "inbox.block_done" : "inbox.unblock_done", { name: conversation.with.name }), { undo });
  }
}
