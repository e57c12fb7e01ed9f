// The messages in view: at most some 150 elements, however many messages the room has. The message at the top stays where
// it is while others come and go; at the newest one, the list follows.

import { find, h, keepFocus, setText } from "../ui/dom.js";
import { continues, dayOf } from "./groups.js";
import { listenToKeys } from "./keys.js";
import { messageRow, unsentRow } from "./row.js";

/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Messages } from "./messages.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { RowActs } from "./row.js" */
/** @import { MessageWindow } from "./window.js" */

/** This near to an end of the list, more messages are added there. */
const NEAR = 700;
/** This near to the end, the reader is taken to be there. */
const AT_END = 48;
const HIGHLIGHT = 2_500;
/** So many pixels of older messages are left above what is new. */
const ABOVE_NEW = 120;

/**
 * What the list shows besides the messages.
 * @typedef {object} ListState
 * @property {string | null} me the reader's own id in the room
 * @property {boolean} mayWrite
 * @property {Record<string, string>} muted
 * @property {number | null} unread the first message that is new since the reader was here
 * @property {(entry: import("./outbox.js").Unsent) => string} reasonOf why a message was not sent
 */

/** @typedef {{element: HTMLElement, marks: unknown[]}} Row */

export class MessageList {
  /**
   * @param {{texts: Texts, number: FormatNumber, lang: string, messages: Messages, window: MessageWindow, outbox: Outbox,
   *   state: ListState, on: RowActs & {moved: () => void}}} options
   */
  constructor({ texts, number, lang, messages, window: range, outbox, state, on }) {
    this.texts = texts;
    this.number = number;
    this.messages = messages;
    this.window = range;
    this.outbox = outbox;
    this.state = state;
    this.on = on;
    this.days = new Intl.DateTimeFormat(lang || undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
    this.scroller = find("#talk");
    this.lines = find("#lines");
    this.nothing = find("#nothing");
    this.down = find("#down");
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    /** How many messages the room had when the list was drawn last; null before that. */
    this.drawn = /** @type {number | null} */ (null);
    /** @type {number | null} a message to be brought into view as soon as it is there */
    this.target = null;
    /** Whether the line above what is new has to be brought into view. */
    this.showsNew = false;
    /** @type {number | null} */
    this.heldAt = null;
    this.height = this.scroller.clientHeight;
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    find("button", this.down).addEventListener("click", () => this.moveToEnd());
    listenToKeys(this.scroller, this.lines, { open: (n) => this.open(n), end: () => this.moveToEnd() });
    if (typeof ResizeObserver !== "undefined") {
      const observer = new ResizeObserver(() => this.resized());
      observer.observe(this.scroller);
    }
  }

  get isAtEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    return this.window.isAtEnd && scrollHeight - scrollTop - clientHeight <= AT_END;
  }

  /** @param {number} number */
  open(number) {
    const message = this.messages.get(number);
    if (message && this.on.acts) this.on.acts(message);
  }

  scrollToEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  moveToEnd() {
    this.target = null;
    this.window.showEnd();
    this.draw();
    this.scrollToEnd();
    this.on.moved();
  }

  /** The field below grows with its text, and a keyboard opens: who is at the end stays there. */
  resized() {
    this.height = this.scroller.clientHeight;
    if (this.window.follows) this.scrollToEnd();
  }

  scrolled() {
    if (this.drawn === null) return;
    // An event of an earlier movement may come when the list is lower already.
    if (this.scroller.clientHeight !== this.height) {
      this.resized();
      return;
    }
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    this.window.follows = this.isAtEnd;
    const isMore = (scrollTop < NEAR && this.window.showOlder())
      || (scrollHeight - scrollTop - clientHeight < NEAR && !this.window.isAtEnd && this.window.showNewer());
    if (isMore) this.draw();
    this.drawDown();
    this.on.moved();
  }

  /**
   * Shows a message, wherever in the history it is.
   * @param {number} number
   */
  jump(number) {
    this.target = number;
    this.window.showAround(number);
    this.draw();
    this.on.moved();
  }

  /** Draws what has changed, and keeps what the reader sees where it is. */
  draw() {
    const focused = document.activeElement;
    const anchor = this.window.follows ? null : this.anchor();
    this.reconcile(this.wanted());
    const hasNothing = !this.window.count && !this.outbox.entries.length;
    this.nothing.hidden = !hasNothing;
    keepFocus(focused, () => (focused && this.rows.has(focused.id) ? this.rowElement(focused.id) : this.scroller));
    // By its key: the element may have been made anew, because the message before it is there now.
    const anchored = anchor && this.rows.get(anchor.key);
    if (anchor && anchored) {
      this.scroller.scrollTop += anchored.element.getBoundingClientRect().top - anchor.top;
    } else if (this.window.follows) this.scrollToEnd();
    this.drawn = this.window.count;
    this.showTarget();
    this.drawDown();
  }

  /** @param {string} key */
  rowElement(key) {
    const row = this.rows.get(key);
    return row ? row.element : null;
  }

  /** The first message in view, and where it is. */
  anchor() {
    const { top } = this.scroller.getBoundingClientRect();
    for (const element of this.lines.children) {
      const box = element.getBoundingClientRect();
      if (box.bottom > top && element.classList.contains("message") && element.id) return { key: element.id, top: box.top };
    }
    return null;
  }

  showTarget() {
    const line = this.showsNew ? this.rows.get("unread") : undefined;
    if (line) {
      this.showsNew = false;
      this.scroller.scrollTop += line.element.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top - ABOVE_NEW;
      this.window.follows = this.isAtEnd;
    }
    const row = this.target === null ? undefined : this.rows.get(`m${this.target}`);
    if (!row || this.target === null) return;
    this.target = null;
    const { element } = row;
    element.scrollIntoView({ block: "center" });
    element.focus({ preventScroll: true });
    element.classList.add("target");
    window.setTimeout(() => element.classList.remove("target"), HIGHLIGHT);
  }

  /** The rows that belong on the page now: their keys, what they depend on, and how they are made. */
  wanted() {
    /** @type {{key: string, marks: unknown[], isNew?: boolean, make: () => HTMLElement}[]} */
    const rows = [];
    const { first, last } = this.window;
    let before = this.messages.get(first - 1);
    let day = "";
    for (let number = first; number <= last; number += 1) {
      const message = this.messages.get(number);
      if (!message) {
        if (number === first || this.messages.get(number - 1)) {
          rows.push({ key: `hole${number}`, marks: [], make: () => h("p", { class: "hole quiet" }, this.texts.say("room.loading")) });
        }
        before = undefined;
        continue;
      }
      // What is left of a withdrawn message has the time at which that happened, perhaps days later.
      const today = message.withdrawn ? day : dayOf(message);
      if (today !== day) {
        const text = this.dayText(message.at);
        rows.push({ key: `d${number}`, marks: [text], make: () => h("p", { class: "day" }, h("time", {}, text)) });
      }
      if (number === this.state.unread) {
        rows.push({ key: "unread", marks: [], make: () => h("p", { class: "unread" }, h("span", {}, this.texts.say("room.unread"))) });
      }
      rows.push(this.messageOf(message, today !== day || number === this.state.unread || !continues(before, message)));
      day = today;
      before = message;
    }
    if (this.window.isAtEnd) rows.push(...this.outbox.entries.map((entry) => this.unsentOf(entry)));
    return rows;
  }

  /**
   * @param {import("./messages.js").Message} message
   * @param {boolean} isFirst
   */
  messageOf(message, isFirst) {
    const { me, muted, mayWrite } = this.state;
    const isOwn = me !== null && message.from === me;
    const isMuted = Boolean(message.from && muted[message.from] !== undefined);
    const replyTo = message.reply_to;
    const quoted = replyTo === undefined ? undefined : this.messages.get(replyTo) || null;
    return {
      key: `m${message.n}`,
      marks: [message, isFirst, isMuted, mayWrite, quoted],
      isNew: this.drawn !== null && message.n > this.drawn,
      make: () => messageRow(message, { isFirst, isOwn, isMuted, mayReply: mayWrite, quoted, texts: this.texts, on: this.on }),
    };
  }

  /** @param {import("./outbox.js").Unsent} entry */
  unsentOf(entry) {
    const reason = this.state.reasonOf(entry);
    return {
      key: `o${entry.id}`,
      marks: [entry.state, reason],
      make: () => unsentRow(entry, { texts: this.texts, on: this.on, reason }),
    };
  }

  /** @param {ReturnType<MessageList["wanted"]>} wanted */
  reconcile(wanted) {
    const isFresh = (/** @type {(typeof wanted)[number]} */ row) => {
      const held = this.rows.get(row.key);
      return !held || held.marks.some((mark, index) => mark !== row.marks[index]);
    };
    // Only what was said just now is spoken, and not what scrolling brings.
    const isNews = this.drawn !== null && wanted.every((row) => row.isNew || !row.key.startsWith("m") || !isFresh(row));
    const live = isNews ? "polite" : "off";
    if (this.lines.getAttribute("aria-live") !== live) this.lines.setAttribute("aria-live", live);
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, { element }] of this.rows) {
      if (keys.has(key)) continue;
      element.remove();
      this.rows.delete(key);
    }
    if (this.drawn === null) this.lines.textContent = "";
    /** @type {Element | null} */
    let next = this.lines.firstElementChild;
    for (const row of wanted) {
      const held = this.rows.get(row.key);
      if (held && !isFresh(row)) {
        if (held.element === next) next = next.nextElementSibling;
        else this.lines.insertBefore(held.element, next);
        continue;
      }
      const element = row.make();
      if (held) {
        if (held.element === next) next = next.nextElementSibling;
        this.lines.insertBefore(element, held.element);
        held.element.remove();
      } else this.lines.insertBefore(element, next);
      this.rows.set(row.key, { element, marks: row.marks });
    }
  }

  /** @param {string} at */
  dayText(at) {
    const now = new Date();
    const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
    const date = new Date(at);
    if (date.toDateString() === now.toDateString()) return this.texts.say("room.today");
    if (date.toDateString() === yesterday.toDateString()) return this.texts.say("room.yesterday");
    return this.days.format(date);
  }

  /** The way to the newest message, with how many came since the reader left it. */
  drawDown() {
    if (this.isAtEnd) this.heldAt = null;
    else if (this.heldAt === null) this.heldAt = this.window.count;
    this.down.hidden = this.isAtEnd || !this.window.count;
    if (this.down.hidden) return;
    const fresh = this.window.count - (this.heldAt || this.window.count);
    const text = fresh ? this.texts.say("room.newest_count", { n: this.number(fresh) }, fresh) : this.texts.say("room.newest");
    setText(find("button", this.down), `↓ ${text}`);
  }
}
