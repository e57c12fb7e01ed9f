// One line of the log on the page: number, time, and text in its colours. The same element shows one line after another.

import { h, setText } from "../ui/dom.js";
import { formatLogTime, formatUtc } from "../ui/timestamps.js";
import { classesOf, findMatches, markMatches, spansOf, visibleText } from "./linetext.js";

/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Line } from "./linecache.js" */

const MAX_LINE = 16_384; // the server cuts longer lines

/**
 * @typedef {object} RowContent
 * @property {number} n
 * @property {Line | null} line null until it has arrived
 * @property {string} href
 * @property {boolean} isTarget whether the address names this line
 * @property {boolean} isHit whether the search has found it
 * @property {string} query
 * @property {string} source the address of the log
 */

export class LogRow {
  /** @param {{texts: Texts, number: FormatNumber}} tools */
  constructor({ texts, number }) {
    this.texts = texts;
    this.number = number;
    // The log is one stop of the Tab key, whose arrow keys scroll it: behind it lies more than its lines.
    this.link = h("a", { class: "no", tabindex: "-1" });
    this.time = h("time", { class: "at" });
    this.text = h("span", { class: "tx", dir: "auto" });
    this.element = h("div", { class: "ln" }, this.link, this.time, this.text);
    /** @type {RowContent | null} */
    this.shown = null;
  }

  /** @param {RowContent} content */
  set(content) {
    const { shown } = this;
    const keys = /** @type {(keyof RowContent)[]} */ (Object.keys(content));
    if (shown && keys.every((key) => shown[key] === content[key])) return;
    const { n, line, href, isTarget, isHit, query, source } = content;
    setText(this.link, n);
    this.link.setAttribute("href", href);
    this.link.setAttribute("aria-label", this.texts.say("log.line", { n: this.number(n) }));
    this.element.classList.toggle("target", isTarget);
    this.element.classList.toggle("hit", isHit);
    if (!shown || line !== shown.line || query !== shown.query || source !== shown.source) {
      setText(this.time, line ? formatLogTime(line.at) : "");
      this.time.title = line ? formatUtc(line.at) : "";
      this.time.dateTime = (line && line.at) || "";
      this.element.classList.toggle("gap", Boolean(line && line.gap));
      this.text.replaceChildren(...(line ? this.contentOf(line, query, source) : []));
    }
    this.shown = content;
  }

  /**
   * @param {Line} line
   * @param {string} query
   * @param {string} source
   */
  contentOf(line, query, source) {
    if (line.gap) return [this.texts.say("log.gap", { n: this.number(line.gap) })];
    /** @type {(string | Node)[]} */
    const parts = markMatches(spansOf(line), findMatches(visibleText(line), query)).map(([text, style, marked]) => {
      const inner = marked ? h("mark", {}, text) : text;
      return style ? h("span", { class: classesOf(style) }, inner) : inner;
    });
    // A line that is too long may still be visible as a whole: most of it may be control sequences.
    const isWhole = line.shown !== undefined && line.shown.length < MAX_LINE;
    if (line.cut && !isWhole) parts.push(" ", h("a", { class: "cut", href: `${source}?offset=${line.offset}` }, this.texts.say("log.cut")));
    return parts;
  }
}
