// The log of one step: only the lines in view are on the page, and only those around it are held. Follows the end
// while one looks at it, and lets go when one scrolls up.

import { setText } from "../ui/dom.js";
import { Place } from "./lines.js";
import { LogReader } from "./reader.js";
import { seen } from "./linetext.js";
import { zoneAt } from "../ui/timestamps.js";
import { hasEnded } from "../task/states.js";
import { LogRow } from "./row.js";
import { LogSearch } from "./search.js";

const ROW = 22;
const NEAR = 2_000; // pixels scrolled at once that are not yet a jump
const WIDEST = 20_000; // lines that may have been drawn over in one view
const REST = 160; // after the last movement the scroll bar is put right
const WISHES = "livewall.log";

export class LogView {
  /** `element` is the section as the template made it. */
  constructor(element, { texts, number, env, task }) {
    this.element = element;
    this.tools = { texts, number, env };
    this.task = task;
    const find = (selector) => element.querySelector(selector);
    this.parts = {
      name: find(".name"), size: find(".size"), empty: find(".empty"), raw: find("a.raw"),
      follow: find(".follow"), times: find(".times"), wrap: find(".wrap"),
      lines: find(".lines"), tall: find(".tall"), window: find(".window"), rows: find(".rows"),
    };
    this.rows = [];
    this.numbers = []; // of the lines in view
    this.spread = 0; // lines from the first in view to the last, with those that were drawn over
    this.step = null;
    this.reader = null;
    this.resting = null;
    this.search = new LogSearch(find("form"), {
      texts, number, env, jump: (line) => this.jump(line), changed: () => this.render(),
    });
    setText(this.parts.times, `${texts.say("log.times")} (${zoneAt(new Date())})`);
    this.wishes();
    this.listen();
  }

  listen() {
    const { lines, follow, times, wrap } = this.parts;
    lines.addEventListener("scroll", () => this.scrolled(), { passive: true });
    follow.addEventListener("click", () => this.setFollow(!this.follow));
    for (const [name, button] of [["times", times], ["wrap", wrap]]) {
      button.addEventListener("click", () => this.setWish(name, button.getAttribute("aria-pressed") !== "true"));
    }
    new ResizeObserver(() => this.resized()).observe(lines);
  }

  /** Times and wrapping stay as they were chosen, where the browser keeps such things. */
  wishes() {
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(WISHES)) || {};
    } catch {
      // Not allowed here: they are chosen anew.
    }
    this.kept = { times: kept.times !== false, wrap: kept.wrap === true };
    this.apply();
  }

  apply() {
    for (const name of ["times", "wrap"]) this.parts[name].setAttribute("aria-pressed", String(this.kept[name]));
    this.element.classList.toggle("no-times", !this.kept.times);
    this.element.classList.toggle("wrapped", this.kept.wrap);
  }

  setWish(name, on) {
    this.kept[name] = on;
    try {
      localStorage.setItem(WISHES, JSON.stringify(this.kept));
    } catch {
      // As above.
    }
    this.apply();
    if (!this.step) return;
    this.place.wrapped = this.kept.wrap || this.lines.redraws;
    this.resized();
  }

  // -- which log

  /** Shows the log of a step: at `line`, else at its end or its beginning. */
  open(step, line = null) {
    const same = this.step && this.step.name === step.name;
    if (same && (line === null || line === this.target)) return;
    this.target = line;
    if (same) {
      this.jump(line);
      return;
    }
    if (this.reader) this.reader.stop();
    this.reader = null;
    this.tools.env.clearTimeout(this.resting);
    this.step = step;
    this.ended = hasEnded(step.state);
    this.place = new Place({ row: ROW });
    this.place.wrapped = this.kept.wrap;
    this.numbers = [];
    this.spread = 0;
    this.heights = new Map();
    this.columns = 0;
    this.bar = 0;
    this.parts.lines.scrollTop = 0;
    this.follow = null;
    this.setFollow(line === null && !this.ended);
    this.reader = this.read(step, line === null && step.state === "succeeded" ? 1 : line);
    const { raw } = this.reader.source;
    setText(this.parts.name, step.name);
    this.parts.lines.setAttribute("aria-label", this.tools.texts.say("log.of", { step: step.name }));
    this.parts.raw.setAttribute("href", raw);
    this.parts.raw.setAttribute("download", `${this.task}-${step.name}.log`);
    this.say("log.loading");
    this.search.use(this.reader.source);
    this.render();
    this.reader.want();
  }

  read(step, begin) {
    return new LogReader({
      task: this.task, step: step.name, env: this.tools.env, begin,
      view: () => ({ line: this.place.line, most: Math.max(this.most, this.spread) }),
      on: { came: (first) => this.came(first, begin), refused: (code) => this.refused(code) },
    });
  }

  get lines() {
    return this.reader.lines;
  }

  /** The step may have begun, ended or begun again. */
  stepIs(step) {
    if (!this.step || this.step.name !== step.name) return;
    const news = step.state !== this.step.state || step.attempt !== this.step.attempt;
    this.step = step;
    this.ended = hasEnded(step.state);
    this.parts.follow.disabled = this.ended && !this.follow;
    if (news) this.reader.want();
  }

  /** The log has grown: {lines, bytes}. */
  grown(end) {
    if (!this.step || !end) return;
    const { known } = this.reader;
    if (!this.follow) {
      if (known && this.lines.grow(end)) this.render();
    } else if (!known || end.lines !== this.lines.count || end.bytes !== this.lines.bytes) this.reader.wantEnd();
  }

  /** Lines arrived. */
  came(first, begin) {
    this.say(this.lines.count ? "" : this.nothing);
    if (this.lines.redraws) this.place.wrapped = true; // not all lines are equally high
    if (first && this.target !== null) this.jump(this.target);
    else if (this.follow || (first && begin === null)) this.toEnd();
    else this.render();
  }

  refused(code) {
    this.say(code === "not_found" || code === "no_such_stream" ? this.nothing : "log.denied");
  }

  get nothing() {
    return this.ended ? "log.empty" : "log.nothing_yet";
  }

  /** Instead of lines. */
  say(key) {
    this.parts.empty.hidden = !key;
    if (key) setText(this.parts.empty, this.tools.texts.say(key));
  }

  // -- moving

  /** The height in which lines are seen: a scroll bar for long lines takes some of it. */
  get view() {
    return this.parts.window.clientHeight || this.parts.lines.clientHeight || 1;
  }

  get most() {
    return Math.ceil(this.view / ROW) + 2;
  }

  heightOf = (number) => {
    if (this.lines.redraws && this.lines.over(number)) return 0;
    if (!this.kept.wrap) return ROW;
    const measured = this.heights.get(number);
    if (measured) return measured;
    const item = this.lines.get(number);
    if (!item || !seen(item)) return ROW;
    if (!this.columns) this.columns = this.lettersInLine();
    return Math.max(1, Math.ceil(seen(item).length / this.columns)) * ROW;
  };

  lettersInLine() {
    const letter = this.parts.lines.querySelector(".ruler").getBoundingClientRect().width / 10;
    const [row] = this.rows;
    return letter && row ? Math.max(10, Math.floor(row.text.clientWidth / letter)) : 80;
  }

  scrolled() {
    if (!this.step) return;
    const top = this.parts.lines.scrollTop;
    const moved = top - this.bar;
    if (!moved) return;
    this.bar = top;
    const { count } = this.lines;
    if (Math.abs(moved) <= Math.max(2 * this.view, NEAR)) this.place.move(moved, count, this.view, this.heightOf);
    else this.place.drag(top, count, this.view, this.heightOf);
    const atEnd = this.place.atEnd(count, this.view, this.heightOf);
    if (moved < 0 && !atEnd) this.setFollow(false);
    else if (moved > 0 && atEnd && !this.ended) this.setFollow(true);
    this.render();
    const most = this.parts.lines.scrollHeight - this.view;
    if (top <= 0 || top >= most - 1) this.rest();
    else {
      this.tools.env.clearTimeout(this.resting);
      this.resting = this.tools.env.setTimeout(() => this.rest(), REST);
    }
  }

  /** Puts the scroll bar where it belongs. */
  rest() {
    const wanted = Math.round(this.place.bar(this.lines.count, this.view, this.heightOf));
    if (Math.abs(wanted - this.parts.lines.scrollTop) > 1) this.parts.lines.scrollTop = wanted;
    this.bar = this.parts.lines.scrollTop;
  }

  toEnd() {
    for (let pass = 0; pass < 2; pass += 1) { // the second knows how high the lines are
      this.place.toEnd(this.lines.count, this.view, this.heightOf);
      this.render();
      if (!this.kept.wrap) break;
    }
    this.rest();
  }

  /** To a line, wherever in the log it is. */
  jump(line) {
    if (!this.reader.known) return;
    this.target = line;
    this.setFollow(false);
    const at = this.numbers.indexOf(line);
    const shown = at > 0 && at < this.view / ROW - 1 && this.lines.get(line);
    if (!shown) this.place.show(line, this.lines.count, this.view, this.heightOf);
    this.render();
    this.rest();
  }

  setFollow(on) {
    const changed = this.follow !== on;
    this.follow = on;
    this.parts.follow.setAttribute("aria-pressed", String(on));
    this.parts.follow.disabled = this.ended && !on;
    if (!changed || !on || !this.reader) return;
    if (this.reader.known) this.toEnd();
    this.reader.wantEnd();
  }

  resized() {
    this.heights = new Map();
    this.columns = 0;
    if (!this.step) return;
    if (this.follow) this.toEnd();
    else {
      this.place.hold(this.lines.count, this.view, this.heightOf);
      this.render();
      this.rest();
    }
  }

  // -- drawing

  render() {
    if (!this.step) return;
    const { count } = this.lines;
    const { tall, rows, window: pane, size } = this.parts;
    const { texts, number } = this.tools;
    const { clientHeight } = this.parts.lines;
    pane.style.height = `${clientHeight}px`;
    tall.style.height = `${this.place.height(count, this.view) + clientHeight - this.view}px`;
    this.element.style.setProperty("--digits", String(Math.max(4, String(count).length)));
    while (this.rows.length < this.most) {
      const row = new LogRow(this.tools);
      this.rows.push(row);
      rows.append(row.element);
    }
    const { query, marks } = this.search;
    this.numbers = this.visible(count);
    this.rows.forEach((row, index) => {
      const n = this.numbers[index];
      row.element.hidden = n === undefined;
      if (n === undefined) return;
      row.set({
        n, item: this.lines.get(n), href: `#step=${this.step.name}&line=${n}`, target: n === this.target,
        hit: marks.has(n), query, raw: this.reader.source.raw,
      });
    });
    if (this.kept.wrap) this.measure();
    rows.style.transform = `translateY(${-Math.round(this.place.above)}px)`;
    this.lines.touch(this.place.line, this.place.line + Math.max(this.most, this.spread));
    setText(size, count ? texts.say("log.size", { n: number(count), bytes: bytesText(this.lines.bytes, number) }, count) : "");
    if (this.reader.known) this.reader.want();
  }

  /** The numbers of the lines in view: those that were drawn over have no row. */
  visible(count) {
    const { line } = this.place;
    const numbers = [];
    let n = line;
    for (; n <= count && numbers.length < this.rows.length && n - line < WIDEST; n += 1) {
      if (!this.lines.redraws || !this.lines.over(n)) numbers.push(n);
    }
    this.spread = n - line;
    return numbers;
  }

  measure() {
    if (this.heights.size > 2_000) this.heights = new Map();
    for (const [index, n] of this.numbers.entries()) {
      if (this.lines.get(n)) this.heights.set(n, this.rows[index].element.offsetHeight || ROW);
    }
  }
}

/** "318 B", "1.4 MB": as people read sizes. */
export function bytesText(bytes, number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(unit && value < 99.5 ? Math.round(value * 10) / 10 : Math.round(value))} ${units[unit]}`;
}
