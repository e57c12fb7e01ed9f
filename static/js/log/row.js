// One line of the log on the page: number, time, text with its colours. The same element shows one line after another.

import { h, setText } from "../ui/dom.js";
import { classes, cut, parts, places, seen } from "./linetext.js";
import { inUtc, lineTime } from "../ui/timestamps.js";

const LONGEST = 16_384; // of a line, as the server cuts it

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
      setText(this.time, item ? lineTime(item.at) : "");
      this.time.title = item ? inUtc(item.at) : "";
      this.time.dateTime = (item && item.at) || "";
      this.element.classList.toggle("gap", Boolean(item && item.gap));
      this.text.replaceChildren(...this.content(line));
    }
    this.shown = line;
  }

  content({ item, query, raw }) {
    if (!item) return [];
    if (item.gap) return [this.texts.say("log.gap", { n: this.number(item.gap) })];
    const made = cut(parts(item), places(seen(item), query)).map(([text, look, marked]) => {
      const inner = marked ? h("mark", {}, text) : text;
      return look ? h("span", { class: classes(look) }, inner) : inner;
    });
    const whole = item.shown !== undefined && item.shown.length < LONGEST;
    if (item.cut && !whole) made.push(" ", h("a", { class: "cut", href: `${raw}?offset=${item.offset}` }, this.texts.say("log.cut")));
    return made;
  }
}
