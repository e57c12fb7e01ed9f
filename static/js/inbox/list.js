// The list of conversations. Rows are kept where nothing changes, so that the focus and a selection stay.

import { find, h, keepFocus } from "../ui/dom.js";
import { formatTimestamp } from "../ui/timestamps.js";
import { excerpt } from "../room/groups.js";
import { timeOfDay } from "../room/row.js";

/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Listed } from "./conversations.js" */

/** @typedef {{element: HTMLElement, mark: string}} Row */

export class ConversationList {
  /**
   * @param {{texts: Texts, number: FormatNumber, lang: string, titleOf: (room: string) => string}} options
   */
  constructor({ texts, number, lang, titleOf }) {
    this.texts = texts;
    this.number = number;
    this.titleOf = titleOf;
    this.days = new Intl.DateTimeFormat(lang || undefined, { day: "numeric", month: "short" });
    this.list = find("#conversations ul");
    this.none = find("#none");
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.isDrawn = false;
  }

  /**
   * @param {Listed[]} listed the newest first
   * @param {string | null} open the id of the open conversation
   */
  draw(listed, open) {
    const focused = document.activeElement;
    if (!this.isDrawn) this.list.textContent = ""; // what the server put there
    this.isDrawn = true;
    this.none.hidden = listed.length > 0;
    const ids = new Set(listed.map(({ conversation }) => conversation.id));
    for (const [id, { element }] of this.rows) {
      if (ids.has(id)) continue;
      element.remove();
      this.rows.delete(id);
    }
    let next = this.list.firstElementChild;
    for (const each of listed) {
      const { id } = each.conversation;
      const element = this.rowOf(each, id === open);
      if (element === next) next = next.nextElementSibling;
      else this.list.insertBefore(element, next);
    }
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.list.contains(focused)) focused.focus();
    keepFocus(focused, () => this.list);
  }

  /**
   * @param {Listed} each
   * @param {boolean} isOpen
   */
  rowOf({ conversation, last }, isOpen) {
    const title = this.titleOf(conversation.room);
    const time = this.timeText(last.at);
    const mark = JSON.stringify([conversation, last, title, time, isOpen]);
    const row = this.rows.get(conversation.id);
    if (row && row.mark === mark) return row.element;
    const element = row ? row.element : h("li", {}, h("a", { href: `/inbox?c=${conversation.id}` }));
    this.rows.set(conversation.id, { element, mark });
    const { with: other, unread, blocked } = conversation;
    element.classList.toggle("fresh", unread > 0);
    const link = find("a", element);
    if (isOpen) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    link.textContent = "";
    const role = other.role && other.role !== "guest" && h("span", { class: "role", "data-role": other.role }, this.texts.say(`room.role.${other.role}`));
    const state = unread ? h("span", { class: "count" }, this.texts.say("inbox.unread", { n: this.number(unread) }, unread))
      : blocked && h("span", { class: "shut" }, this.texts.say("inbox.is_blocked"));
    const parts = [
      h("span", { class: "who" }, h("b", { class: "name", dir: "auto" }, other.name), " ", role), " ",
      h("time", { datetime: last.at, title: formatTimestamp(last.at) }, time), " ",
      h("span", { class: "where", dir: "auto" }, title), " ",
      h("span", { class: "words", dir: "auto" }, this.wordsOf(other.id, last)), " ", state,
    ];
    for (const part of parts) if (part) link.append(part);
    return element;
  }

  /**
   * @param {string} other
   * @param {Listed["last"]} last
   */
  wordsOf(other, last) {
    if (last.withdrawn) return this.texts.say(`room.withdrawn.${last.withdrawn}`);
    const text = excerpt(last.text || "");
    return last.from === other ? text : this.texts.say("inbox.you_wrote", { text });
  }

  /** @param {string} at */
  timeText(at) {
    const date = new Date(at);
    return date.toDateString() === new Date().toDateString() ? timeOfDay(at) : this.days.format(date);
  }
}
