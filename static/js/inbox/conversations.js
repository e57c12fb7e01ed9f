// Conversations as the stream of private messages has them. Without a DOM. handlers/view_models/inbox_talk.py finds what is
// unread alike.

/** @import { Message } from "../room/messages.js" */

/**
 * @typedef {{id: string, name: string, role: string}} Person
 * @typedef {{id: string, room: string, with: Person, unread: number, blocked: boolean, messages: number}} Conversation
 */

/** @typedef {Readonly<Record<string, any>>} Values */

/** A conversation with its last message, as the list shows it. @typedef {{conversation: Conversation, last: Message}} Listed */

/**
 * Returns the conversations whose last message is known, the newest first.
 * @param {Values} values those of the stream
 * @param {ReadonlyMap<string, Message>} known the last messages that the server put into the page, by conversation
 * @returns {Listed[]}
 */
export function listed(values, known) {
  /** @type {Listed[]} */
  const found = [];
  for (const [key, conversation] of Object.entries(values)) {
    if (!key.startsWith("conversation/")) continue;
    const last = values[`message/${conversation.id}/${conversation.messages}`] || known.get(conversation.id);
    if (last) found.push({ conversation, last });
  }
  // Equal times are rare, and their order must not change from one drawing to the next.
  return found.sort((a, b) => compare(b.last.at, a.last.at) || compare(a.conversation.id, b.conversation.id));
}

/**
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * Returns the conversation with a person of a room, or null.
 * @param {Values} values
 * @param {string} room
 * @param {string} person
 * @returns {Conversation | null}
 */
export function conversationWith(values, room, person) {
  for (const [key, value] of Object.entries(values)) {
    if (key.startsWith("conversation/") && value.room === room && value.with.id === person) return value;
  }
  return null;
}

/**
 * Returns the messages of a conversation under the keys that those of a room have.
 * @param {Values} values
 * @param {string} id
 * @returns {Record<string, Message>}
 */
export function messagesOf(values, id) {
  const prefix = `message/${id}/`;
  /** @type {Record<string, Message>} */
  const found = {};
  for (const [key, message] of Object.entries(values)) {
    if (key.startsWith(prefix)) found[`message/${message.n}`] = message;
  }
  return found;
}

/**
 * Returns the number of the first unread message, or null if there is none or not all of them are held.
 * @param {{get: (number: number) => Message | undefined}} messages
 * @param {string} me
 * @param {{unread: number, messages: number}} conversation
 */
export function firstUnread(messages, me, { unread, messages: count }) {
  let left = unread;
  for (let n = count; left > 0; n -= 1) {
    const message = messages.get(n);
    if (!message) return null;
    if (!message.withdrawn && message.from !== me) left -= 1;
    if (left === 0) return n;
  }
  return null;
}

/**
 * Whether the stream need not keep a value: a message far from the end of its conversation. Older ones can be fetched.
 * @param {Values} values
 * @param {string} key
 * @param {number} kept how many of each conversation are kept
 */
export function isOld(values, key, kept) {
  const [kind, id, n] = key.split("/");
  const conversation = kind === "message" ? values[`conversation/${id}`] : undefined;
  return conversation !== undefined && Number(n) <= conversation.messages - kept;
}
