// The lines of a log that the page holds. They are fetched as they come into view and evicted when others need the room,
// so a log of any length costs the same. Pure: no elements, no network.

/** @import { LogEnd } from "../net/wire.d.ts" */

const BLOCK = 50; // lines that are evicted together
const MAX_CHARACTERS = 1 << 20; // two bytes each
const LINE_COST = 60; // what a line costs beside its text, in characters
const MAX_BATCH = 200; // lines in one request
const BATCH_BYTES = 160_000; // what one request should bring
const MAX_LINE_BYTES = 16_384; // the server cuts longer lines
const REDRAWN_LINES = 100; // the server lets a program draw over so many of the last lines

/** @typedef {[text: string, style: string]} Span a part of a line, and the names of its style such as "ink1 bold" */

/**
 * A line as the server sends it.
 * @typedef {object} Line
 * @property {number} n its number, from 1
 * @property {string} [at]
 * @property {string} [text]
 * @property {string} [shown] what is visible of the text, where that is not all of it
 * @property {Span[]} [spans]
 * @property {number} [gap] so many lines are missing here
 * @property {boolean} [cut]
 * @property {number} [offset] where the line begins in the log, in bytes
 * @property {boolean} [over] whether later lines were drawn over it
 * @property {boolean} [stale] whether the server may have a newer state of it
 */

/** @param {Line} line */
function costOf({ text = "", shown = "", spans = [] }) {
  return LINE_COST + text.length + shown.length + spans.reduce((sum, [part]) => sum + part.length, 0);
}

/** @param {number} number */
function blockOf(number) {
  return Math.floor((number - 1) / BLOCK);
}

export class LineCache {
  constructor(capacity = MAX_CHARACTERS) {
    this.capacity = capacity;
    /** @type {Map<number, {lines: Map<number, Line>, size: number}>} the least recently used block first */
    this.blocks = new Map();
    this.size = 0;
    this.count = 0; // lines of the log
    this.bytes = 0;
    /** Whether lines draw over others: then the last ones may still change. */
    this.redraws = false;
  }

  /**
   * Takes the newest length of the log, whose last line may have grown. Returns whether anything changed.
   * @param {LogEnd} end
   */
  update({ lines, bytes }) {
    if (lines < this.count || bytes < this.bytes) return false; // older than what is known
    if (lines === this.count && bytes === this.bytes) return false;
    for (let number = this.count; number > this.count - (this.redraws ? REDRAWN_LINES : 1); number -= 1) {
      const line = this.get(number);
      if (line) line.stale = true; // shown until the newer state arrives
    }
    this.count = lines;
    this.bytes = bytes;
    return true;
  }

  /** Marks every line as stale once it is known that lines draw over others: what was fetched before may be overdrawn. */
  invalidate() {
    if (this.redraws) return;
    this.redraws = true;
    for (const { lines } of this.blocks.values()) for (const line of lines.values()) line.stale = true;
  }

  /** @param {number} number */
  get(number) {
    const block = this.blocks.get(blockOf(number));
    return (block && block.lines.get(number)) || null;
  }

  /**
   * Whether other lines were drawn over this one, so that it is not visible.
   * @param {number} number
   */
  isOverdrawn(number) {
    const line = this.get(number);
    return line !== null && line.over === true;
  }

  /**
   * Whether the newest state of a line is held.
   * @param {number} number
   */
  isCurrent(number) {
    const line = this.get(number);
    return line !== null && !line.stale;
  }

  /** @param {number} number */
  remove(number) {
    const block = this.blocks.get(blockOf(number));
    const line = block && block.lines.get(number);
    if (!block || !line) return;
    block.lines.delete(number);
    const cost = costOf(line);
    block.size -= cost;
    this.size -= cost;
  }

  /**
   * Adds lines; those between `from` and `to` are in view and are never evicted.
   * @param {Line[]} lines
   */
  add(lines, from = 0, to = 0) {
    for (const line of lines) {
      const key = blockOf(line.n);
      const block = this.blocks.get(key) || { lines: new Map(), size: 0 };
      this.blocks.set(key, block);
      this.remove(line.n);
      block.lines.set(line.n, line);
      const cost = costOf(line);
      block.size += cost;
      this.size += cost;
    }
    this.touch(from, to);
    this.evict(from, to);
  }

  /**
   * Marks lines as used now. A Map keeps the order of insertion, so a block that is set again comes last.
   * @param {number} from
   * @param {number} to
   */
  touch(from, to) {
    for (let key = blockOf(from); key <= blockOf(to); key += 1) {
      const block = this.blocks.get(key);
      if (!block) continue;
      this.blocks.delete(key);
      this.blocks.set(key, block);
    }
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  evict(from, to) {
    for (const [key, block] of this.blocks) {
      if (this.size <= this.capacity) return;
      const first = key * BLOCK + 1;
      if (first <= to && first + BLOCK > from) continue;
      this.blocks.delete(key);
      this.size -= block.size;
    }
  }

  /**
   * Returns the first lines that are missing in a range, as many as one request brings; null when none is missing.
   * @param {number} from
   * @param {number} to
   */
  missingRange(from, to) {
    const last = Math.min(to, this.count);
    for (let number = Math.max(1, from); number <= last; number += 1) {
      if (this.isCurrent(number)) continue;
      let end = number;
      while (end < last && !this.isCurrent(end + 1)) end += 1;
      return { from: number, count: Math.min(end - number + 1, this.batchSize()) };
    }
    return null;
  }

  /** Returns how many lines to ask for at once: fewer where they are long. */
  batchSize() {
    const average = this.count ? Math.min(MAX_LINE_BYTES, this.bytes / this.count) : 100;
    return Math.max(8, Math.min(MAX_BATCH, Math.floor(BATCH_BYTES / (average + 80))));
  }
}
