// A room: what is said there, live, and the field to say something. The messages are those of the stream; older ones are
// fetched when the reader scrolls to them.

import { browserEnvironment, reconnectOnWake } from "../net/environment.js";
import { LiveStreams } from "../net/streams.js";
import { MessageActs, isEditable } from "../room/acts.js";
import { RoomCalls } from "../room/calls.js";
import { Composer } from "../room/composer.js";
import { MessageList } from "../room/list.js";
import { Messages } from "../room/messages.js";
import { Moderation } from "../room/moderation.js";
import { Naming } from "../room/naming.js";
import { Outbox } from "../room/outbox.js";
import { Presence } from "../room/presence.js";
import { RoomSearch } from "../room/search.js";
import { RoomStorage } from "../room/storage.js";
import { MessageWindow } from "../room/window.js";
import { Announcer } from "../ui/announcer.js";
import { Corner } from "../ui/corner.js";
import { dataBlock, find, setText } from "../ui/dom.js";
import { Notice } from "../ui/notice.js";
import { Texts } from "../ui/texts.js";

/** @import { ApiError } from "../net/wire.d.ts" */

/** More messages than these the stream need not keep for the page. */
const KEPT_BY_STREAM = 600;
const LOAD_AGAIN = 3_000;

const page = dataBlock("page");
const texts = new Texts(dataBlock("texts"));
const env = browserEnvironment();
const numbers = new Intl.NumberFormat(page.lang || undefined);
const number = (/** @type {number} */ value) => numbers.format(value);
const storage = new RoomStorage(page.room.name);
const announcer = new Announcer(find("#announcer"), env);
const notice = new Notice(find("#notice"), { texts, env, undoKey: "room.undo" }, announcer);
const corner = new Corner(find("#corner"), { texts });
const messages = new Messages();
const range = new MessageWindow();

let room = page.room;
let isReady = false;
let unseen = 0;
let isLoading = false;
/** The newest message that was read before this visit. */
let seenBefore = storage.seen;
const state = {
  me: page.me ? page.me.id : null,
  mayWrite: page.me !== null,
  muted: page.muted,
  /** @type {number | null} */
  unread: null,
  reasonOf: (/** @type {{error?: ApiError}} */ { error }) => (error ? errorText(error) : ""),
};

/** @param {ApiError} error */
function errorText(error) {
  const fields = Object.values(error.fields || {});
  if (fields.length) return fields.join(" ");
  const own = `room.error.${error.code}`;
  return texts.say(texts.has(own) ? own : `error.${error.code}`);
}

/** Why the reader may say nothing here, in words; empty if they may. */
function forbidden() {
  if (live.refusal) return texts.say(live.refusal === "no_such_stream" ? "room.gone" : `error.${live.refusal}`);
  if (room.write === "hosts" && !page.host) return texts.say("room.may_not.hosts");
  if (room.write === "signed_in" && !page.signedIn) return texts.say("room.may_not.signed_in");
  if (room.closed && !page.host) return texts.say("room.may_not.closed");
  return page.me ? "" : texts.say("room.may_not.audience");
}

const live = new LiveStreams({ streams: [page.stream], env, onChange: () => changed() });
const calls = new RoomCalls({ room: page.room.name, live, env });
const outbox = new Outbox({
  env,
  send: (entry) => calls.say(entry),
  onChange: () => redraw(),
  newId: () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(36).padStart(2, "0")).join(""),
  storage: { load: () => storage.loadUnsent(), save: (entries) => storage.saveUnsent(entries) },
});
const composer = new Composer({
  texts, storage, announcer,
  on: {
    say: (text, replyTo) => {
      list.moveToEnd();
      presence.sent();
      outbox.add(text, replyTo);
      list.scrollToEnd();
    },
    edit: (message, text) => acts.edit(message, text),
    lastOwn,
    typing: () => presence.tell(),
  },
});
const manage = document.querySelector("#manage");
const moderation = manage instanceof HTMLElement
  ? new Moderation(manage, { texts, calls, notice, muted: page.muted, errorText, onChange: () => redraw() })
  : null;
const acts = new MessageActs({
  texts, calls, composer, notice, moderation, state, errorText, now: () => live.clock.now(),
  taken: (message) => {
    messages.add([message]);
    redraw();
  },
});
const list = new MessageList({
  texts, number, lang: page.lang, messages, window: range, outbox, state,
  on: {
    acts: (message) => acts.open(message),
    reply: (message) => composer.reply(message),
    jump: (target) => jump(target),
    retry: (entry) => outbox.retry(entry.id),
    discard: (entry) => outbox.discard(entry.id),
    moved: () => moved(),
  },
});
const search = new RoomSearch({ texts, number, calls, onJump: (target) => jump(target) });
let myName = page.me ? page.me.name : "";
const presence = new Presence({ texts, number, env, live, room: page.room.name, myName: () => myName });
const naming = document.querySelector("#naming");
if (naming instanceof HTMLElement) {
  new Naming(naming, { texts, calls, errorText, onNamed: (name) => { myName = name; } });
}

/** @param {number} target */
function jump(target) {
  list.jump(Math.max(1, Math.min(target, range.count)));
}

/** One's own last message that can still be changed, of those on the page. */
function lastOwn() {
  for (let n = range.last; n >= range.first; n -= 1) {
    const message = messages.get(n);
    if (message && message.from === state.me && !message.withdrawn) return isEditable(message, state.me, live.clock.now()) ? message : null;
  }
  return null;
}

/** Takes what the stream has brought. */
function changed() {
  const { values: held, ready } = live.state(page.stream);
  // Nothing stays on the page of what its reader may no longer read.
  const values = live.refusal ? {} : held;
  if (live.refusal) messages.clear();
  if (ready || live.refusal) {
    if (messages.takeValues(values)) restart();
    for (const entry of [...outbox.entries]) confirmOne(entry, values);
    if (values.room) takeRoom(values.room);
    if (isReady && messages.count > range.count && env.hidden()) setUnseen(unseen + messages.count - range.count);
    range.grow(messages.count);
    if (!isReady) begin();
    if (Object.keys(values).length > KEPT_BY_STREAM) {
      live.trim(page.stream, (key) => !key.startsWith("message/") || Number(key.slice(8)) > messages.count - KEPT_BY_STREAM / 2);
    }
  }
  if (live.displayState === "live" && outbox.entries.some(({ state: each }) => each === "unreached")) outbox.retryNow();
  redraw();
}

/**
 * An answer may be lost although the message was said: the stream has it then.
 * @param {{id: string}} entry
 * @param {Readonly<Record<string, any>>} values
 */
function confirmOne(entry, values) {
  for (let n = messages.count; n > messages.count - 60 && n > 0; n -= 1) {
    const message = values[`message/${n}`];
    if (message && message.id === entry.id && message.from === state.me) outbox.confirm(message, state.me);
  }
}

/**
 * Says in the title of the tab how many messages came while nobody looked.
 * @param {number} count
 */
function setUnseen(count) {
  unseen = count;
  document.title = count ? `(${number(count)}) ${room.title}` : room.title;
}

/** @param {typeof room} fresh */
function takeRoom(fresh) {
  room = fresh;
  setUnseen(unseen);
  setText(find("#title"), room.title);
  find("#shut").hidden = !room.closed;
  if (moderation) moderation.update(room);
}

/** Begins with the messages of another room of this name. */
function restart() {
  range.count = 0;
  state.unread = null;
  seenBefore = null;
  isReady = false;
}

/** The first drawing: at the message that the address names, else at what is new, else at the end. */
function begin() {
  isReady = true;
  range.showEnd();
  const named = /^#m(\d{1,12})$/.exec(location.hash);
  markUnread();
  if (named) jump(Number(named[1]));
  else if (state.unread !== null && state.unread >= range.first) {
    list.showsNew = true;
    range.follows = false;
  }
}

/** Draws the line above what is new since the reader was here. */
function markUnread() {
  if (seenBefore !== null && seenBefore < messages.count) state.unread = seenBefore + 1;
}

function moved() {
  load();
  noteSeen();
}

function noteSeen() {
  if (!isReady || env.hidden() || !list.isAtEnd) return;
  if (storage.seen !== messages.count) storage.seen = messages.count;
}

/** Fetches what is in view and not held, and the messages that are quoted there. */
async function load() {
  const missing = isReady ? messages.missing(range.first, range.last) : null;
  if (!missing || isLoading) return;
  isLoading = true;
  const found = await calls.history(missing);
  isLoading = false;
  if (found && found.length) {
    messages.add(found);
    messages.evict(range.first, range.last);
    redraw();
  } else {
    if (!found) announcer.announce(texts.say("room.not_loaded"));
    env.setTimeout(() => load(), LOAD_AGAIN);
  }
}

function redraw() {
  outbox.settle((n) => messages.get(n) || n < messages.count - KEPT_BY_STREAM);
  const reason = forbidden();
  state.mayWrite = !reason;
  if (isReady) {
    list.draw();
    load();
    noteSeen();
  }
  tick();
}

function tick() {
  corner.update(live);
  const seconds = Math.ceil(outbox.wait / 1000);
  presence.update(live.state(page.stream).values, live.displayState === "live");
  composer.update({
    forbidden: forbidden(),
    waiting: seconds ? texts.say("room.slow_sent", { n: seconds }, seconds) : "",
    away: live.displayState === "lost" ? texts.say("room.away") : "",
  });
}

/** Keeps the field above the keyboard of a phone, which covers a part of the page in some browsers. */
function fit() {
  const view = window.visualViewport;
  if (!view) return;
  const isCovered = window.innerHeight - view.height > 1 && view.scale === 1;
  document.body.style.height = isCovered ? `${view.height}px` : "";
  if (isCovered) window.scrollTo(0, 0);
}

document.documentElement.classList.add("scripted");
if (window.visualViewport) window.visualViewport.addEventListener("resize", fit);
window.addEventListener("hashchange", () => {
  const named = /^#m(\d{1,12})$/.exec(location.hash);
  if (named && isReady) jump(Number(named[1]));
});
document.addEventListener("visibilitychange", () => {
  if (env.hidden()) seenBefore = storage.seen;
  else {
    setUnseen(0);
    if (isReady && state.unread === null) markUnread();
  }
  if (isReady) redraw();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target !== document.body) return;
  event.preventDefault();
  search.field.focus();
});
live.start();
reconnectOnWake(live.connection);
window.setInterval(tick, 1000);
outbox.restore();
if (search.field.value) search.search();
