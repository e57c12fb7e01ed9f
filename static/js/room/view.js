// A room on a page: what is said there, live, and the field to say something. The messages are those of the stream; older
// ones are fetched when the reader scrolls to them. The page may be the room's own, or one that shows it in a panel.

import { MessageActs, isEditable } from "./acts.js";
import { RoomCalls } from "./calls.js";
import { Composer } from "./composer.js";
import { History } from "./history.js";
import { inboxAddress } from "./inbox_link.js";
import { MessageList } from "./list.js";
import { Messages } from "./messages.js";
import { Moderation } from "./moderation.js";
import { Naming } from "./naming.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { RoomSearch } from "./search.js";
import { RoomStorage } from "./storage.js";
import { MessageWindow } from "./window.js";
import { find } from "../ui/dom.js";
import { Notice } from "../ui/notice.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Announcer } from "../ui/announcer.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Message } from "./messages.js" */

/** More messages than these the stream need not keep for the page. */
export const KEPT_BY_STREAM = 600;

/**
 * What a page needs to know of a room: its stream, the room, the reader, who is muted.
 * @typedef {{stream: string, lang: string, room: any, me: {id: string, name: string} | null, host: boolean, signedIn: boolean,
 *   muted: Record<string, string>}} RoomData
 */

/**
 * `isShown` says whether the reader can see the room at all; `onRoom` is told of the room whenever it changes, and
 * `onUnseen` how many messages came while nobody looked.
 * @typedef {{data: RoomData, texts: Texts, number: FormatNumber, env: Environment, live: LiveStreams, announcer: Announcer,
 *   isShown?: () => boolean, onRoom?: (room: any) => void, onUnseen?: (count: number) => void}} RoomTools
 */

export class RoomView {
  /** @param {RoomTools} tools */
  constructor({ data, texts, number, env, live, announcer, isShown = () => true, onRoom = () => {}, onUnseen = () => {} }) {
    this.data = data;
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.live = live;
    this.announcer = announcer;
    this.isShown = isShown;
    this.onRoom = onRoom;
    this.onUnseen = onUnseen;
    this.storage = new RoomStorage(data.room.name);
    this.messages = new Messages();
    this.range = new MessageWindow();
    this.room = data.room;
    this.isReady = false;
    this.isOver = false;
    this.unseen = 0;
    /** The newest message that was read before this visit. */
    this.seenBefore = this.storage.seen;
    this.myName = data.me ? data.me.name : "";
    this.state = {
      me: data.me ? data.me.id : null,
      mayWrite: data.me !== null,
      muted: data.muted,
      /** @type {number | null} */
      unread: null,
      reasonOf: (/** @type {{error?: ApiError}} */ { error }) => (error ? texts.error(error, "room") : ""),
    };
    this.calls = new RoomCalls({ room: data.room.name, live, env });
    this.history = new History({
      env, calls: this.calls, messages: this.messages, window: this.range,
      onLoaded: () => this.redraw(),
      onFailed: () => announcer.announce(texts.say("room.not_loaded")),
    });
    this.outbox = new Outbox({
      env,
      send: (entry) => this.calls.say(entry),
      onChange: () => this.redraw(),
      storage: { load: () => this.storage.loadUnsent(), save: (entries) => this.storage.saveUnsent(entries) },
    });
    const { composer, moderation, list, search, presence } = this.build();
    this.composer = composer;
    this.moderation = moderation;
    this.list = list;
    this.search = search;
    this.presence = presence;
    this.listen();
    this.outbox.restore();
    if (this.search.field.value) this.search.search();
  }

  /**
   * @returns {{composer: Composer, moderation: Moderation | null, list: MessageList, search: RoomSearch, presence: Presence}}
   */
  build() {
    const { texts, number, env, live, announcer, calls, storage, outbox, state, messages, data } = this;
    const errorText = (/** @type {ApiError} */ error) => texts.error(error, "room");
    const addressOf = (/** @type {Message} */ message) => (data.me ? inboxAddress(data.room.name, message, data.me.id) : "");
    const notice = new Notice(find("#notice"), { texts, env, undoKey: "room.undo" }, announcer);
    const composer = new Composer({
      texts, storage, announcer,
      on: {
        say: (text, replyTo) => {
          list.moveToEnd();
          presence.sent();
          outbox.add(text, replyTo ? { reply_to: replyTo } : {});
          list.scrollToEnd();
        },
        edit: (message, text) => acts.edit(message, text),
        lastOwn: () => this.lastOwn(),
        typing: () => presence.tell(),
      },
    });
    const manage = document.querySelector("#manage");
    const moderation = manage instanceof HTMLElement
      ? new Moderation(manage, { texts, calls, notice, muted: data.muted, errorText, onChange: () => this.redraw() })
      : null;
    const acts = new MessageActs({
      texts, calls, composer, notice, moderation, state, errorText, addressOf, now: () => live.clock.now(),
      taken: (message) => {
        messages.add([message]);
        this.redraw();
      },
    });
    const list = new MessageList({
      texts, number, lang: data.lang, messages, window: this.range, outbox, state,
      on: {
        acts: (message) => acts.open(message),
        addressOf,
        reply: (message) => composer.reply(message),
        jump: (target) => this.jump(target),
        retry: (entry) => outbox.retry(entry.id),
        discard: (entry) => outbox.discard(entry.id),
        moved: () => this.moved(),
      },
    });
    const search = new RoomSearch({ texts, number, calls, onJump: (target) => this.jump(target) });
    const presence = new Presence({ texts, number, env, live, room: data.room.name, myName: () => this.myName });
    const naming = document.querySelector("#naming");
    if (naming instanceof HTMLElement) {
      new Naming(naming, { texts, calls, errorText, onNamed: (name) => { this.myName = name; } });
    }
    return { composer, moderation, list, search, presence };
  }

  listen() {
    window.addEventListener("hashchange", () => {
      const named = /^#m(\d{1,12})$/.exec(location.hash);
      if (named && this.isReady && !this.isOver) this.jump(Number(named[1]));
    });
    document.addEventListener("visibilitychange", () => {
      if (this.isOver) return;
      if (this.isHidden) this.seenBefore = this.storage.seen;
      else this.shown();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target !== document.body || this.isHidden || this.isOver) return;
      event.preventDefault();
      this.search.field.focus();
    });
  }

  /** Another room takes the panel. */
  stop() {
    this.isOver = true;
  }

  get isHidden() {
    return this.env.hidden() || !this.isShown();
  }

  /** The reader looks at the room again. */
  shown() {
    this.setUnseen(0);
    if (this.isReady && this.state.unread === null) this.markUnread();
    this.changed();
  }

  /** The reader looks away. */
  left() {
    this.seenBefore = this.storage.seen;
  }

  /** Why the room cannot be read any more; null if it can. */
  get refusal() {
    const { error } = this.live.state(this.data.stream);
    return this.live.refusal || (error ? error.code : null);
  }

  /** Why the reader may say nothing here, in words; empty if they may. */
  forbidden() {
    if (this.refusal) return this.texts.say(this.refusal === "no_such_stream" ? "room.gone" : `error.${this.refusal}`);
    if (this.room.write === "hosts" && !this.data.host) return this.texts.say("room.may_not.hosts");
    if (this.room.write === "signed_in" && !this.data.signedIn) return this.texts.say("room.may_not.signed_in");
    if (this.room.closed && !this.data.host) return this.texts.say("room.may_not.closed");
    return this.data.me ? "" : this.texts.say("room.may_not.audience");
  }

  /** @param {number} target */
  jump(target) {
    this.list.jump(Math.max(1, Math.min(target, this.range.count)));
  }

  /** One's own last message that can still be changed, of those on the page. */
  lastOwn() {
    for (let n = this.range.last; n >= this.range.first; n -= 1) {
      const message = this.messages.get(n);
      if (message && message.from === this.state.me && !message.withdrawn) return isEditable(message, this.state.me, this.live.clock.now()) ? message : null;
    }
    return null;
  }

  /** Takes what the stream has brought. */
  changed() {
    const { values: held, ready } = this.live.state(this.data.stream);
    // Nothing stays on the page of what its reader may no longer read.
    const values = this.refusal ? {} : held;
    if (this.refusal) this.messages.clear();
    if (ready || this.refusal) {
      if (this.messages.takeValues(values)) this.restart();
      for (const entry of [...this.outbox.entries]) this.confirmOne(entry, values);
      if (values.room) this.takeRoom(values.room);
      if (this.isReady && this.messages.count > this.range.count && this.isHidden) this.setUnseen(this.unseen + this.messages.count - this.range.count);
      this.range.grow(this.messages.count);
      if (!this.isReady && this.isShown()) this.begin();
      if (Object.keys(values).length > KEPT_BY_STREAM) {
        this.live.trim(this.data.stream, (key) => !key.startsWith("message/") || Number(key.slice(8)) > this.messages.count - KEPT_BY_STREAM / 2);
      }
    }
    if (this.live.displayState === "live" && this.outbox.entries.some(({ state: each }) => each === "unreached")) this.outbox.retryNow();
    this.redraw();
  }

  /**
   * An answer may be lost although the message was said: the stream has it then.
   * @param {{id: string}} entry
   * @param {Readonly<Record<string, any>>} values
   */
  confirmOne(entry, values) {
    for (let n = this.messages.count; n > this.messages.count - 60 && n > 0; n -= 1) {
      const message = values[`message/${n}`];
      if (message && message.id === entry.id && this.state.me && message.from === this.state.me) this.outbox.confirm(message, this.state.me);
    }
  }

  /** @param {number} count how many messages came while nobody looked */
  setUnseen(count) {
    this.unseen = count;
    this.onUnseen(count);
  }

  /** @param {any} fresh */
  takeRoom(fresh) {
    this.room = fresh;
    this.onRoom(fresh);
    this.setUnseen(this.unseen);
    if (this.moderation) this.moderation.update(this.room);
  }

  /** Begins with the messages of another room of this name. */
  restart() {
    this.range.count = 0;
    this.state.unread = null;
    this.seenBefore = null;
    this.isReady = false;
  }

  /** The first drawing: at the message that the address names, else at what is new, else at the end. */
  begin() {
    this.isReady = true;
    this.range.showEnd();
    const named = /^#m(\d{1,12})$/.exec(location.hash);
    this.markUnread();
    if (named) this.jump(Number(named[1]));
    else if (this.state.unread !== null && this.state.unread >= this.range.first) {
      this.list.showsNew = true;
      this.range.follows = false;
    }
  }

  /** Draws the line above what is new since the reader was here. */
  markUnread() {
    if (this.seenBefore !== null && this.seenBefore < this.messages.count) this.state.unread = this.seenBefore + 1;
  }

  moved() {
    this.load();
    this.noteSeen();
  }

  noteSeen() {
    if (!this.isReady || this.isHidden || !this.list.isAtEnd) return;
    if (this.storage.seen !== this.messages.count) this.storage.seen = this.messages.count;
  }

  load() {
    if (this.isReady) this.history.load();
  }

  redraw() {
    this.outbox.settle((n) => this.messages.get(n) || n < this.messages.count - KEPT_BY_STREAM);
    const reason = this.forbidden();
    this.state.mayWrite = !reason;
    if (this.isReady && this.isShown()) {
      this.list.draw();
      this.load();
      this.noteSeen();
    }
    this.tick();
  }

  /** A second is over. */
  tick() {
    const seconds = Math.ceil(this.outbox.wait / 1000);
    this.presence.update(this.live.state(this.data.stream).values, this.live.displayState === "live");
    this.composer.update({
      forbidden: this.forbidden(),
      waiting: seconds ? this.texts.say("room.slow_sent", { n: seconds }, seconds) : "",
      away: this.live.displayState === "lost" ? this.texts.say("room.away") : "",
    });
  }
}
