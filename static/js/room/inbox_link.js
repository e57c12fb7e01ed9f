// Private messages, as a room knows them: where they begin, and how many of them are unread.

import { setText } from "../ui/dom.js";

/** @import { StreamState } from "../net/state.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Message } from "./messages.js" */

/** The stream of the reader's own private messages. */
export const INBOX = "inbox/me";

/**
 * Where one writes privately to the author of a message; empty for oneself, the system, and what was withdrawn.
 * @param {string} room
 * @param {Message} message
 * @param {string} me
 */
export function inboxAddress(room, message, me) {
  const { from, role } = message;
  if (message.withdrawn || !from || from === me || role === "system") return "";
  return `/inbox?room=${room}&person=${from}`;
}

/**
 * How many private messages are unread.
 * @param {Readonly<Record<string, any>>} values those of the stream
 */
export function countUnread(values) {
  let count = 0;
  for (const [key, value] of Object.entries(values)) if (key.startsWith("conversation/")) count += value.unread;
  return count;
}

export class InboxLink {
  /**
   * @param {Element | null} element
   * @param {{texts: Texts, number: FormatNumber}} tools
   */
  constructor(element, { texts, number }) {
    this.count = element ? element.querySelector(".count") : null;
    this.texts = texts;
    this.number = number;
  }

  /** @param {StreamState} state */
  update({ values, ready }) {
    if (!ready || !(this.count instanceof HTMLElement)) return;
    const unread = countUnread(values);
    this.count.hidden = !unread;
    setText(this.count, this.texts.say("inbox.unread", { n: this.number(unread) }, unread));
  }
}
