// A message as an element. Its text is text, but for the addresses in it that become links.

import { h } from "../ui/dom.js";
import { formatTimestamp } from "../ui/timestamps.js";
import { excerpt } from "./groups.js";
import { pieces } from "./links.js";

/** @import { Texts } from "../ui/texts.js" */
/** @import { Message } from "./messages.js" */
/** @import { Unsent } from "./outbox.js" */

/**
 * What somebody can do with a message on the page.
 * @typedef {object} RowActs
 * @property {((message: Message) => void) | null} acts null where nothing can be done with a message
 * @property {(message: Message) => string} addressOf where one writes to its author privately, or an empty text
 * @property {(message: Message) => void} reply
 * @property {(number: number) => void} jump
 * @property {(entry: Unsent) => void} retry
 * @property {(entry: Unsent) => void} discard
 */

/** @param {string} at */
export function timeOfDay(at) {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

/**
 * Returns a text with its addresses as links.
 * @param {string} text
 */
export function withLinks(text) {
  return pieces(text).map((piece) => (piece.linked
    ? h("a", { href: piece.text, rel: "noopener nofollow ugc", target: "_blank" }, piece.text)
    : piece.text));
}

/**
 * The badge of a role. It is an element, so that no name can have one.
 * @param {string} role
 * @param {Texts} texts
 */
function badge(role, texts) {
  if (!role) return null;
  if (role === "guest") return h("span", { class: "guest" }, texts.say("room.guest"));
  return h("span", { class: "role", "data-role": role }, texts.say(`room.role.${role}`));
}

/**
 * @param {Message} message
 * @param {{isFirst: boolean, isOwn: boolean, isMuted: boolean, mayReply: boolean, quoted: Message | null | undefined,
 *   texts: Texts, on: RowActs}} options `quoted` is undefined where the message answers none, and null where the one it
 *   answers is not held
 */
export function messageRow(message, { isFirst, isOwn, isMuted, mayReply, quoted, texts, on }) {
  const names = ["message", isFirst ? "first" : "", isOwn ? "own" : "", message.withdrawn ? "gone" : ""];
  const attributes = { class: names.filter(Boolean).join(" "), id: `m${message.n}`, tabindex: "-1" };
  if (message.withdrawn) {
    return h("div", attributes, h("p", { class: "text" }, texts.say(`room.withdrawn.${message.withdrawn}`)));
  }
  const { role = "", text = "", reply_to: replyTo } = message;
  const { acts } = on;
  const time = h("time", { datetime: message.at, title: formatTimestamp(message.at) }, timeOfDay(message.at));
  return h("div", attributes,
    isFirst && h("p", { class: "by" },
      nameOf(message, texts, on), " ", badge(role, texts),
      isOwn && h("span", { class: "you" }, texts.say("room.you")),
      isMuted && h("span", { class: "mute" }, texts.say("room.muted")), " ", time),
    replyTo !== undefined && quoteLink(replyTo, quoted, texts, on),
    h("p", { class: "text", dir: "auto" }, withLinks(text)),
    message.edited_at && h("small", { class: "edited", title: formatTimestamp(message.edited_at) }, texts.say("room.edited")),
    acts && h("span", { class: "acts" },
      mayReply && h("button", { type: "button", class: "reply", tabindex: "-1", onclick: () => on.reply(message) }, texts.say("room.reply")),
      h("button", { type: "button", class: "dots", tabindex: "-1", "aria-label": `${texts.say("room.acts")} ${message.n}`, title: time.title, onclick: () => acts(message) }, "⋯")));
}

/**
 * The name of an author, which leads to private messages where the reader can write some. The keyboard gets there from the
 * message (keys.js), so that the Tab key does not stop at each name.
 * @param {Message} message
 * @param {Texts} texts
 * @param {RowActs} on
 */
function nameOf(message, texts, on) {
  const { name = "" } = message;
  const href = on.addressOf(message);
  if (!href) return h("b", { class: "name", dir: "auto" }, name);
  return h("a", { class: "name", dir: "auto", href, tabindex: "-1", title: texts.say("inbox.write_to", { name }) }, name);
}

/**
 * @param {number} number
 * @param {Message | null | undefined} quoted
 * @param {Texts} texts
 * @param {RowActs} on
 */
function quoteLink(number, quoted, texts, on) {
  const jump = (/** @type {Event} */ event) => {
    event.preventDefault();
    on.jump(number);
  };
  const attributes = { class: "quote", dir: "auto", href: `#m${number}`, onclick: jump };
  if (!quoted) return h("a", attributes, texts.say("room.message", { n: number }));
  if (quoted.withdrawn) return h("a", attributes, texts.say(`room.withdrawn.${quoted.withdrawn}`));
  return h("a", attributes, h("b", {}, quoted.name), " ", excerpt(quoted.text || ""));
}

/**
 * A message that the stream has not brought yet.
 * @param {Unsent} entry
 * @param {{texts: Texts, on: RowActs, reason: string}} options
 */
export function unsentRow(entry, { texts, on, reason }) {
  const isStuck = entry.state === "unreached" || entry.state === "refused";
  return h("div", { class: `message own first unsent ${entry.state}` },
    h("p", { class: "text", dir: "auto" }, withLinks(entry.text)),
    h("p", { class: "state" },
      h("span", { role: "status" }, isStuck ? [texts.say("room.unsent"), reason].filter(Boolean).join(": ") : entry.state === "said" ? "" : texts.say("room.sending")),
      isStuck && h("button", { type: "button", class: "link", onclick: () => on.retry(entry) }, texts.say("room.again")),
      isStuck && h("button", { type: "button", class: "link", onclick: () => on.discard(entry) }, texts.say("room.discard"))));
}
