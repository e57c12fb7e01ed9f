// One line of the log on the page: number, time, text with its colours. The same element shows one line after another.

import { classes, pieces } from "../ansi.js";
import { h, setText } from "../dom.js";

const two = (number) => String(number).padStart(2, "0");

/** "14:05:11.204" in the reader's own time zone. */
function timeOf(at) {
  const date = new Date(at);
  if (!at || Number.isNaN(date.getTime())) return "";
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${parts}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** The text with what was searched for marked, ignoring the case of ASCII letters as the server does. */
function marked(text, query) {
  if (!query) return [text];
  const lower = (value) => value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const [inside, wanted] = [lower(text), lower(query)];
  const parts = [];
  let at = 0;
  for (let found = inside.indexOf(wanted); found >= 0 && parts.length < 200; found = inside.indexOf(wanted, at)) {
    if (found > at) parts.push(text.slice(at, found));
    at = found + wanted.length;
    parts.push(h("mark", {}, text.slice(found, at)));
  }
  parts.push(text.slice(at));
  return parts;
}

export class LogRow {
  constructor({ texts, number }) {
    this.texts = texts;
    this.number = number;
    this.link = h("a", { class: "no" });
    this.time = h("time", { class: "at" });
    this.text = h("span", { class: "tx", dir: "auto" });
    this.element = h("div", { class: "ln" }, this.link, this.time, this.text);
    this.shown = {};
  }

  /** `line` is {n, item or null, href, target, hit, query, raw}. */
  set(line) {
    const same = Object.keys(line).every((key) => this.shown[key] === line[key]);
    if (same) return;
    const { item, query } = line;
    setText(this.link, String(line.n));
    this.link.setAttribute("href", line.href);
    this.link.setAttribute("aria-label", this.texts.say("log.line", { n: this.number(line.n) }));
    this.element.classList.toggle("target", line.target);
    this.element.classList.toggle("hit", line.hit);
    if (item !== this.shown.item || query !== this.shown.query || line.raw !== this.shown.raw) {
      setText(this.time, item ? timeOf(item.at) : "");
      this.element.classList.toggle("gap", Boolean(item && item.gap));
      this.text.replaceChildren(...this.content(line));
    }
    this.shown = line;
  }

  content({ item, query, raw }) {
    if (!item) return [];
    if (item.gap) return [this.texts.say("log.gap", { n: this.number(item.gap) })];
    const made = pieces(item.text).map(({ text, look }) => {
      const name = classes(look);
      return name ? h("span", { class: name }, marked(text, query)) : marked(text, query);
    }).flat();
    if (item.cut) made.push(" ", h("a", { class: "cut", href: `${raw}?offset=${item.offset}` }, this.texts.say("log.cut")));
    return made;
  }
}
