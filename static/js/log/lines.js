// What a tab holds of a log, and where in it one looks. Lines are fetched as they come into view and forgotten when
// others take their room, so that a log of any length costs the same. Pure: no page, no network.

const BLOCK = 50; // lines that come and go together
const ROOM = 1 << 20; // characters held at most: two bytes each, half of what a tab may hold
const LINE = 60; // what a held line costs beside its text
const MOST = 200; // lines asked for at once
const ASKED = 160_000; // bytes that one question should bring
const LONGEST = 16_384; // of a line, as the server cuts it
const REACH = 100; // lines that may still be drawn over, as the server counts them

/** Characters of an item, all in all. */
function room({ text = "", shown = "", spans = [] }) {
  return text.length + shown.length + spans.reduce((sum, [part]) => sum + part.length, 0);
}

/** Lines by number (from 1), the least lately looked at forgotten first. */
export class Lines {
  constructor(room = ROOM) {
    this.room = room;
    this.blocks = new Map(); // block -> {lines: Map(number -> item), size}; in the order in which they were looked at
    this.size = 0;
    this.count = 0; // lines of the log
    this.bytes = 0;
    this.redraws = false; // some draw over others: the last ones may change
  }

  /** The log has grown: its last line may have gone on. True when something changed. */
  grow({ lines, bytes }) {
    if (lines < this.count || bytes < this.bytes) return false; // older news than what is held
    if (lines === this.count && bytes === this.bytes) return false;
    for (let number = this.count; number > this.count - (this.redraws ? REACH : 1); number -= 1) {
      const item = this.get(number);
      if (item) item.stale = true; // shown until its newer self is here
    }
    this.count = lines;
    this.bytes = bytes;
    return true;
  }

  /** Lines draw over others: what is held from before that was known is asked for again. */
  doubt() {
    if (this.redraws) return;
    this.redraws = true;
    for (const { lines } of this.blocks.values()) for (const item of lines.values()) item.stale = true;
  }

  get(number) {
    const block = this.blocks.get(Math.floor((number - 1) / BLOCK));
    return block ? block.lines.get(number) || null : null;
  }

  /** Whether others were drawn over the line: it is seen no more. */
  over(number) {
    const item = this.get(number);
    return Boolean(item) && item.over === true;
  }

  /** Whether the line is there as it is now. */
  has(number) {
    const item = this.get(number);
    return Boolean(item) && !item.stale;
  }

  drop(number) {
    const block = this.blocks.get(Math.floor((number - 1) / BLOCK));
    const item = block && block.lines.get(number);
    if (!item) return;
    block.lines.delete(number);
    const cost = LINE + room(item);
    block.size -= cost;
    this.size -= cost;
  }

  /** Takes lines of an answer; `from` to `to` are in view and stay whatever they cost. */
  put(items, from = 0, to = 0) {
    for (const item of items) {
      const key = Math.floor((item.n - 1) / BLOCK);
      const block = this.blocks.get(key) || { lines: new Map(), size: 0 };
      this.blocks.set(key, block);
      this.drop(item.n);
      block.lines.set(item.n, item);
      const cost = LINE + room(item);
      block.size += cost;
      this.size += cost;
    }
    this.touch(from, to);
    this.forget(from, to);
  }

  /** These are looked at now. */
  touch(from, to) {
    for (let key = Math.floor((from - 1) / BLOCK); key <= Math.floor((to - 1) / BLOCK); key += 1) {
      const block = this.blocks.get(key);
      if (!block) continue;
      this.blocks.delete(key);
      this.blocks.set(key, block);
    }
  }

  forget(from, to) {
    for (const [key, block] of this.blocks) {
      if (this.size <= this.room) return;
      const first = key * BLOCK + 1;
      if (first <= to && first + BLOCK > from) continue;
      this.blocks.delete(key);
      this.size -= block.size;
    }
  }

  /** {from, count} of the first lines that are missing between two; null when all are there. */
  missing(from, to) {
    const last = Math.min(to, this.count);
    for (let number = Math.max(1, from); number <= last; number += 1) {
      if (this.has(number)) continue;
      let end = number;
      while (end < last && !this.has(end + 1)) end += 1;
      return { from: number, count: Math.min(end - number + 1, this.portion()) };
    }
    return null;
  }

  /** Lines to ask for at once: fewer where they are long. */
  portion() {
    const average = this.count ? Math.min(LONGEST, this.bytes / this.count) : 100;
    return Math.max(8, Math.min(MOST, Math.floor(ASKED / (average + 80))));
  }
}

/**
 * Where one looks: the first line in view and how many pixels of it are above the edge. The scroll bar follows in
 * nominal heights. Where these are not the real ones, because lines are wrapped or the whole would be higher than
 * browsers allow, the bar is loose: what is scrolled counts in pixels, and the bar is put right afterwards.
 */
export class Place {
  constructor({ row, tallest = 4_000_000 }) {
    this.row = row;
    this.tallest = tallest;
    this.wrapped = false;
    this.line = 1;
    this.above = 0;
  }

  loose(count) {
    return this.wrapped || count * this.row > this.tallest;
  }

  /** The height of what scrolls; a loose bar has room to move at both ends. */
  height(count, view) {
    const nominal = Math.min(this.tallest, count * this.row);
    return this.loose(count) ? nominal + 4 * view : Math.max(view, nominal);
  }

  /** Moves by pixels through lines whose heights `heightOf(number)` tells, and stays within the log. */
  move(pixels, count, view, heightOf) {
    this.above += pixels;
    while (this.above < 0 && this.line > 1) {
      this.line -= 1;
      this.above += heightOf(this.line);
    }
    while (this.line < count && this.above >= heightOf(this.line)) {
      this.above -= heightOf(this.line);
      this.line += 1;
    }
    this.hold(count, view, heightOf);
  }

  /** Neither before the first line nor beyond the last. */
  hold(count, view, heightOf) {
    if (this.above < 0) this.above = 0;
    this.line = Math.max(1, Math.min(this.line, Math.max(1, count)));
    if (this.below(count, view, heightOf) < view) this.toEnd(count, view, heightOf);
  }

  /** How far the lines from here on reach, looked at only as far as the view does. */
  below(count, view, heightOf) {
    let below = -this.above;
    for (let number = this.line; number <= count && below <= view + 2; number += 1) below += heightOf(number);
    return below;
  }

  /** The last line stands at the lower edge. */
  toEnd(count, view, heightOf) {
    this.line = Math.max(1, count + 1);
    this.above = 0;
    let rest = view;
    while (rest > 0 && this.line > 1) {
      this.line -= 1;
      rest -= heightOf(this.line);
    }
    this.above = Math.max(0, -rest);
  }

  atEnd(count, view, heightOf) {
    return this.below(count, view, heightOf) <= view + 2;
  }

  /** A line is brought to the upper third, unless the log is shorter. */
  show(number, count, view, heightOf) {
    this.line = Math.max(1, Math.min(number, count || 1));
    this.above = 0;
    this.move(-Math.floor(view / 3), count, view, heightOf);
  }

  /** Where the scroll bar stands for this place. */
  bar(count, view, heightOf) {
    const most = this.height(count, view) - view;
    const hidden = Math.max(1, count * this.row - view);
    const share = Math.min(1, ((this.line - 1) * this.row + Math.min(this.above, this.row - 1)) / hidden);
    if (!this.loose(count)) return share * most;
    if (this.line === 1 && this.above === 0) return 0;
    if (this.atEnd(count, view, heightOf)) return most;
    return Math.max(view, Math.min(most - view, view + share * (most - 2 * view)));
  }

  /** The scroll bar was taken somewhere. */
  drag(bar, count, view, heightOf) {
    const most = this.height(count, view) - view;
    const hidden = Math.max(0, count * this.row - view);
    const slack = this.loose(count) ? view : 0;
    const share = Math.max(0, Math.min(1, (bar - slack) / Math.max(1, most - 2 * slack)));
    const at = share * hidden;
    this.line = Math.floor(at / this.row) + 1;
    this.above = Math.min(at % this.row, heightOf(this.line) - 1);
    if (bar >= most - 1) this.toEnd(count, view, heightOf);
    else this.hold(count, view, heightOf);
  }
}
