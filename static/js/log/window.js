// The lines of a log that are in view: rows that are reused as the log scrolls, their heights, and the scroll bar.

import { find } from "../ui/dom.js";
import { LineCache } from "./linecache.js";
import { visibleText } from "./linetext.js";
import { LogRow } from "./row.js";
import { Viewport } from "./viewport.js";

/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { LogSearch } from "./search.js" */

const ROW_HEIGHT = 22;
/** A scroll event that moves further than this many pixels comes from dragging the bar, and not from the wheel. */
const MAX_STEP = 2_000;
/** A view ends after this many lines, even if most of them are overdrawn and have no row. */
const MAX_SPAN = 20_000;
const MAX_HEIGHTS = 2_000;

/** @typedef {{step: string, target: number | null, search: LogSearch, source: string}} Decoration */

export class LogWindow {
  /**
   * @param {HTMLElement} element the section of the log
   * @param {{texts: Texts, number: FormatNumber}} tools
   */
  constructor(element, tools) {
    this.element = element;
    this.tools = tools;
    this.scroller = find(".lines", element);
    this.content = find(".tall", element);
    this.pane = find(".window", element);
    this.container = find(".rows", element);
    this.ruler = find(".ruler", this.scroller);
    /** @type {LogRow[]} */
    this.rows = [];
    this.wrap = false;
    this.lines = new LineCache();
    this.viewport = new Viewport({ row: ROW_HEIGHT });
    /** @type {number[]} the numbers of the lines in view */
    this.numbers = [];
    /** How many lines the view reaches over, with those that are overdrawn. */
    this.span = 0;
    /** @type {Map<number, number>} */
    this.heights = new Map();
    this.columns = 0;
    /** Where the scroll bar stood last: the difference to where it stands now is what was scrolled. */
    this.barTop = 0;
    this.heightOf = (/** @type {number} */ number) => this.measuredHeight(number);
  }

  /**
   * Shows another log, from its beginning.
   * @param {LineCache} lines
   */
  open(lines) {
    this.lines = lines;
    this.viewport = new Viewport({ row: ROW_HEIGHT });
    this.numbers = [];
    this.span = 0;
    this.barTop = 0;
    this.scroller.scrollTop = 0;
    this.forgetHeights();
    this.updateWrapping();
  }

  /** Adapts to whether lines are equally high: those that are overdrawn have no height. */
  updateWrapping() {
    this.viewport.wrapped = this.wrap || this.lines.redraws;
  }

  forgetHeights() {
    this.heights = new Map();
    this.columns = 0;
  }

  /** The height in which lines are visible: a horizontal scroll bar takes some of the element's height. */
  get height() {
    return this.pane.clientHeight || this.scroller.clientHeight || 1;
  }

  get maxRows() {
    return Math.ceil(this.height / ROW_HEIGHT) + 2;
  }

  /** @param {number} number */
  measuredHeight(number) {
    if (this.lines.redraws && this.lines.isOverdrawn(number)) return 0;
    if (!this.wrap) return ROW_HEIGHT;
    const measured = this.heights.get(number);
    if (measured) return measured;
    const line = this.lines.get(number);
    const text = line ? visibleText(line) : "";
    if (!text) return ROW_HEIGHT;
    if (!this.columns) this.columns = this.lettersPerLine();
    return Math.max(1, Math.ceil(text.length / this.columns)) * ROW_HEIGHT;
  }

  lettersPerLine() {
    const letter = this.ruler.getBoundingClientRect().width / 10;
    const [row] = this.rows;
    return letter && row ? Math.max(10, Math.floor(row.text.clientWidth / letter)) : 80;
  }

  get isAtEnd() {
    return this.viewport.isAtEnd(this.lines.count, this.height, this.heightOf);
  }

  /**
   * Follows the scroll bar. Returns how far it moved, and whether it stands at one of its ends.
   */
  scrolled() {
    const top = this.scroller.scrollTop;
    const moved = top - this.barTop;
    this.barTop = top;
    const { count } = this.lines;
    const isStep = Math.abs(moved) <= Math.max(2 * this.height, MAX_STEP);
    if (isStep) this.viewport.move(moved, count, this.height, this.heightOf);
    else this.viewport.scrollTo(top, count, this.height, this.heightOf);
    return { moved, isBarAtEnd: () => top <= 0 || top >= this.scroller.scrollHeight - this.height - 1 };
  }

  /** Puts the scroll bar where it belongs. */
  correctBar() {
    const wanted = Math.round(this.viewport.scrollTop(this.lines.count, this.height, this.heightOf));
    if (Math.abs(wanted - this.scroller.scrollTop) > 1) this.scroller.scrollTop = wanted;
    this.barTop = this.scroller.scrollTop;
  }

  moveToEnd() {
    this.viewport.moveToEnd(this.lines.count, this.height, this.heightOf);
  }

  /** Stays within the log, for example after the window changed its size. */
  clamp() {
    this.viewport.clamp(this.lines.count, this.height, this.heightOf);
  }

  /**
   * Brings a line into view, unless it is well in view already.
   * @param {number} number
   */
  showLine(number) {
    const at = this.numbers.indexOf(number);
    const isInView = at > 0 && at < this.height / ROW_HEIGHT - 1 && this.lines.get(number);
    if (!isInView) this.viewport.showLine(number, this.lines.count, this.height, this.heightOf);
  }

  /** @param {Decoration} decoration */
  draw({ step, target, search, source }) {
    const { count } = this.lines;
    const { clientHeight } = this.scroller;
    this.pane.style.height = `${clientHeight}px`;
    this.content.style.height = `${this.viewport.scrollHeight(count, this.height) + clientHeight - this.height}px`;
    this.element.style.setProperty("--digits", String(Math.max(4, String(count).length)));
    while (this.rows.length < this.maxRows) {
      const row = new LogRow(this.tools);
      this.rows.push(row);
      this.container.append(row.element);
    }
    this.numbers = this.visibleNumbers();
    this.rows.forEach((row, index) => {
      const n = this.numbers[index];
      row.element.hidden = n === undefined;
      if (n === undefined) return;
      row.set({
        n, line: this.lines.get(n), href: `#step=${step}&line=${n}`, isTarget: n === target,
        isHit: search.marks.has(n), query: search.query, source,
      });
    });
    if (this.wrap) this.measure();
    this.container.style.transform = `translateY(${-Math.round(this.viewport.above)}px)`;
    this.lines.touch(this.viewport.line, this.viewport.line + Math.max(this.maxRows, this.span));
  }

  /** Returns the numbers of the lines in view. Lines that are overdrawn have no row. */
  visibleNumbers() {
    const { line } = this.viewport;
    const { count } = this.lines;
    const numbers = [];
    let n = line;
    for (; n <= count && numbers.length < this.rows.length && n - line < MAX_SPAN; n += 1) {
      if (!this.lines.redraws || !this.lines.isOverdrawn(n)) numbers.push(n);
    }
    this.span = n - line;
    return numbers;
  }

  measure() {
    if (this.heights.size > MAX_HEIGHTS) this.heights = new Map();
    for (const [index, n] of this.numbers.entries()) {
      if (this.lines.get(n)) this.heights.set(n, this.rows[index].element.offsetHeight || ROW_HEIGHT);
    }
  }
}
