// Private messages: the list of the reader's own conversations, live, and the open one beside it.

import { browserEnvironment, reconnectOnWake } from "../net/environment.js";
import { LiveStreams } from "../net/streams.js";
import { InboxCalls } from "../inbox/calls.js";
import { isOld, listed } from "../inbox/conversations.js";
import { ConversationList } from "../inbox/list.js";
import { OpenConversation } from "../inbox/open.js";
import { INBOX, countUnread } from "../room/inbox_link.js";
import { Announcer } from "../ui/announcer.js";
import { Corner } from "../ui/corner.js";
import { dataBlock, find } from "../ui/dom.js";
import { fitAboveKeyboard } from "../ui/keyboard.js";
import { Notice } from "../ui/notice.js";
import { Texts } from "../ui/texts.js";

/** @import { Values } from "../inbox/conversations.js" */
/** @import { ApiError } from "../net/wire.d.ts" */

/** Beyond so many values of the stream, old messages are forgotten; they can be fetched. */
const KEPT_BY_STREAM = 3_000;
const KEPT_OF_EACH = 50;

const page = dataBlock("page");
const texts = new Texts(dataBlock("texts"));
const env = browserEnvironment();
const numbers = new Intl.NumberFormat(page.lang || undefined);
const number = (/** @type {number} */ value) => numbers.format(value);
const announcer = new Announcer(find("#announcer"), env);
const notice = new Notice(find("#notice"), { texts, env, undoKey: "room.undo" }, announcer);
const corner = new Corner(find("#corner"), { texts });
const calls = new InboxCalls(env);
/** Titles by the names of rooms. @type {Map<string, string>} */
const titles = new Map();
/** The last messages that the server put into the page, by conversation. */
const known = new Map(page.listed.map((/** @type {any} */ each) => [each.id, each.last]));
const title = document.title.replace(/^\([^)]*\) /, "");
let wasLive = false;
/** How many messages are unread in the conversations that are not open; null before that is known. */
let unreadOfOthers = /** @type {number | null} */ (null);

/** @param {ApiError} error */
function errorText(error) {
  return texts.error(error, texts.has(`inbox.error.${error.code}`) ? "inbox" : "room");
}

const live = new LiveStreams({ streams: [INBOX], env, onChange: () => changed() });
const list = new ConversationList({ texts, number, lang: page.lang, titleOf });
const open = page.open ? new OpenConversation({
  texts, number, lang: page.lang, env, announcer, notice, calls, opened: page.open, errorText,
  begun: ({ id }) => history.replaceState(null, "", `/inbox?c=${id}`),
}) : null;

/**
 * The title of a room. One that is not known yet is asked for.
 * @param {string} room
 */
function titleOf(room) {
  const held = titles.get(room);
  if (held !== undefined) return held;
  titles.set(room, room);
  calls.titleOf(room).then((found) => {
    titles.set(room, found);
    changed();
  });
  return room;
}

/** Why the reader may read nothing here any more: the code of an error, or an empty text. */
function refusal() {
  const { error } = live.state(INBOX);
  return live.refusal || (error ? error.code : "");
}

/** Takes what the stream has brought. */
function changed() {
  const { values, ready } = live.state(INBOX);
  if (refusal()) {
    if (open) open.clear();
    draw({});
  } else if (ready) {
    if (Object.keys(values).length > KEPT_BY_STREAM) live.trim(INBOX, (key) => !isOld(values, key, KEPT_OF_EACH));
    if (open) open.take(values);
    draw(values);
  }
  const isLive = live.displayState === "live";
  if (open && isLive && !wasLive) open.outbox.retryNow();
  wasLive = isLive;
  tick();
}

/** @param {Values} values */
function draw(values) {
  list.draw(listed(values, known), open && open.conversation ? open.conversation.id : null);
  const unread = countUnread(values);
  tellOthers(unread - (open && open.conversation ? open.conversation.unread : 0));
  document.title = unread ? `(${number(unread)}) ${title}` : title;
}

/**
 * Says to screen readers that something came in a conversation that is not open; the open one is a log, which is spoken.
 * @param {number} unread
 */
function tellOthers(unread) {
  if (unreadOfOthers !== null && unread > unreadOfOthers) {
    announcer.announce(texts.say("inbox.unread", { n: number(unread) }, unread));
  }
  unreadOfOthers = unread;
}

function tick() {
  corner.update(live);
  if (!open) return;
  const code = refusal();
  open.tick({ refused: code && texts.say(`error.${code}`), isAway: live.displayState === "lost" });
}

for (const each of page.listed) titles.set(each.room, each.title);
if (page.open) titles.set(page.open.room, page.open.title);
document.documentElement.classList.add("scripted");
fitAboveKeyboard();
live.start();
reconnectOnWake(live.connection);
window.setInterval(tick, 1000);
if (open) open.start();
