// How messages stand together: by day, and by author within a few minutes. handlers/view_models/room_talk.py groups alike.

/** @import { Message } from "./messages.js" */

const GROUP_MILLISECONDS = 300_000;
const EXCERPT = 100;

/**
 * The day of a message in the reader's time zone, such as "2026-11-30".
 * @param {Message} message
 */
export function dayOf(message) {
  const date = new Date(message.at);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/**
 * Whether a message belongs to the group of the one before it: the same author under the same name, soon, on that day.
 * @param {Message | undefined} before
 * @param {Message} message
 */
export function continues(before, message) {
  if (!before || before.withdrawn || message.withdrawn) return false;
  const isSame = before.from === message.from && before.name === message.name && before.role === message.role;
  const apart = Date.parse(message.at) - Date.parse(before.at);
  return isSame && apart < GROUP_MILLISECONDS && dayOf(before) === dayOf(message);
}

/**
 * Returns the beginning of a text on one line.
 * @param {string} text
 */
export function excerpt(text) {
  const letters = [...text.replace(/\s+/g, " ").trim()];
  return letters.length <= EXCERPT ? letters.join("") : `${letters.slice(0, EXCERPT - 1).join("")}…`;
}
