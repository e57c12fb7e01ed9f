// The open conversation: its messages and the field to write in, made of the parts of a room. What was read is noted while
// the page is looked at.

import { Composer } from "../room/composer.js";
import { History } from "../room/history.js";
import { MessageList } from "../room/list.js";
import { Messages } from "../room/messages.js";
import { Outbox } from "../room/outbox.js";
import { RoomStorage } from "../room/storage.js";
import { MessageWindow } from "../room/window.js";
import { Blocking } from "./blocking.js";
import { conversationWith, firstUnread, messagesOf } from "./conversations.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Announcer } from "../ui/announcer.js" */
/** @import { Notice } from "../ui/notice.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { InboxCalls } from "./calls.js" */
/** @import { Conversation, Person, Values } from "./conversations.js" */

/** An answer may be lost although its message was written: this many of the newest are looked through for it. */
const LOOKED_THROUGH = 60;

/** @typedef {{room: string, me: string, with: Person, conversation: Conversation | null}} Opened */

export class OpenConversation {
  /**
   * @param {{texts: Texts, number: FormatNumber, lang: string, env: Environment, announcer: Announcer, notice: Notice,
   *   calls: InboxCalls, opened: Opened, errorText: (error: ApiError) => string,
   *   begun: (conversation: Conversation) => void}} options `begun` is told when the first message was written
   */
  constructor({ texts, number, lang, env, announcer, notice, calls, opened, errorText, begun }) {
    this.texts = texts;
    this.env = env;
    this.calls = calls;
    this.opened = opened;
    this.begun = begun;
    this.conversation = opened.conversation;
    this.messages = new Messages();
    this.window = new MessageWindow();
    this.isReady = false;
    this.isGone = false;
    this.isHeld = false;
    /** The number up to which the server is told, or was, that the reader has read. */
    this.toldRead = 0;
    const { room, me, with: other } = opened;
    const storage = new RoomStorage(`${room}/${other.id}`, "inbox");
    this.state = {
      me,
      mayWrite: false, // no reply to a single message
      muted: {},
      /** @type {number | null} */
      unread: null,
      reasonOf: (/** @type {{error?: ApiError}} */ { error }) => (error ? errorText(error) : ""),
    };
    this.outbox = new Outbox({
      env,
      send: (entry) => calls.write(room, other.id, entry),
      onChange: () => this.redraw(),
      storage: { load: () => storage.loadUnsent(), save: (entries) => storage.saveUnsent(entries) },
    });
    this.history = new History({
      env, messages: this.messages, window: this.window,
      calls: { history: async (range) => (this.conversation ? calls.history(this.conversation.id, range) : null) },
      onLoaded: () => {
        if (!this.isLookedAt) this.markUnread();
        this.redraw();
      },
      onFailed: () => announcer.announce(texts.say("room.not_loaded")),
    });
    this.list = new MessageList({
      texts, number, lang, messages: this.messages, window: this.window, outbox: this.outbox, state: this.state,
      on: {
        acts: null,
        addressOf: () => "",
        reply: () => {},
        jump: (target) => this.list.jump(target),
        retry: (entry) => this.outbox.retry(entry.id),
        discard: (entry) => this.outbox.discard(entry.id),
        moved: () => this.moved(),
      },
    });
    this.composer = new Composer({
      texts, storage, announcer,
      on: {
        say: (text) => {
          this.list.moveToEnd();
          this.outbox.add(text);
          this.list.scrollToEnd();
        },
        edit: async () => "",
        lastOwn: () => null,
        typing: () => {},
      },
    });
    this.blocking = new Blocking({ texts, calls, notice, errorText, taken: (conversation) => this.update(conversation) });
    for (const name of ["focus", "blur"]) window.addEventListener(name, () => this.looked());
    document.addEventListener("visibilitychange", () => this.looked());
  }

  /** Sends again what was on its way when the page was left. */
  start() {
    this.outbox.restore();
  }

  /** Whether somebody looks at the newest message. */
  get isLookedAt() {
    return this.isReady && !this.env.hidden() && document.hasFocus() && this.list.isAtEnd;
  }

  /**
   * Takes what the stream has brought.
   * @param {Values} values
   */
  take(values) {
    const { room, me, with: other } = this.opened;
    const conversation = conversationWith(values, room, other.id);
    // The stream has the conversations with the newest activity only: it need not have had this one.
    this.isGone = !conversation && this.isHeld;
    if (conversation) {
      this.isHeld = true;
      if (!this.conversation) this.begun(conversation);
      this.conversation = conversation;
      const held = messagesOf(values, conversation.id);
      this.messages.takeValues(held);
      this.confirm(held, me);
    }
    if (this.isGone) this.messages.clear();
    // The stream holds the newest messages only, perhaps none of this conversation.
    else if (this.conversation) this.messages.count = Math.max(this.messages.count, this.conversation.messages);
    this.window.grow(this.messages.count);
    if (!this.isReady) this.begin();
    else if (!this.isLookedAt) this.markUnread();
    this.redraw();
  }

  /** Shows nothing any more, as when the reader's sign-in has ended. */
  clear() {
    this.messages.clear();
    this.window.grow(0);
    this.redraw();
  }

  /** Takes an answer, which may come before the event. @param {Conversation} conversation */
  update(conversation) {
    this.conversation = conversation;
    this.redraw();
  }

  /**
   * @param {Record<string, import("../room/messages.js").Message>} held
   * @param {string} me
   */
  confirm(held, me) {
    for (let n = this.messages.count; n > this.messages.count - LOOKED_THROUGH && n > 0; n -= 1) {
      const message = held[`message/${n}`];
      if (message && this.outbox.entries.length) this.outbox.confirm(message, me);
    }
  }

  begin() {
    this.isReady = true;
    this.window.showEnd();
    this.markUnread();
    if (this.state.unread === null) return;
    this.window.showAround(this.state.unread);
    this.list.showsNew = true;
  }

  /** Draws the line above what is unread; it stays where it is while the reader goes on. */
  markUnread() {
    if (this.state.unread === null && this.conversation) {
      this.state.unread = firstUnread(this.messages, this.opened.me, this.conversation);
    }
  }

  looked() {
    if (this.isReady && !this.isLookedAt && this.conversation && !this.conversation.unread) this.state.unread = null;
    if (this.isReady) this.redraw();
  }

  moved() {
    if (this.isReady) this.history.load();
    this.noteRead();
  }

  /** Tells the server what was read. */
  async noteRead() {
    const { conversation } = this;
    if (!conversation || !conversation.unread || !this.isLookedAt || this.toldRead >= conversation.messages) return;
    this.toldRead = conversation.messages;
    const { error } = await this.calls.edit(conversation.id, { read: conversation.messages });
    if (error) this.toldRead = 0; // told again when something happens
  }

  redraw() {
    this.outbox.settle((n) => this.messages.get(n));
    if (this.isReady) {
      this.list.draw();
      this.history.load();
      this.noteRead();
    }
    this.blocking.update(this.isGone ? null : this.conversation);
  }

  /** @param {{refused: string, isAway: boolean}} connection why nothing can be read here any more, in words; whether it is lost */
  tick({ refused, isAway }) {
    let forbidden = refused;
    if (this.isGone) forbidden = this.texts.say("inbox.gone");
    else if (this.conversation && this.conversation.blocked) forbidden = this.texts.say("inbox.you_block");
    this.composer.update({ forbidden, waiting: "", away: isAway ? this.texts.say("room.away") : "" });
  }
}
