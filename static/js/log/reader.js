// Reads one log as it is looked at: asks for the lines in view and around them, or for the end, one question at a
// time, and holds no more than its room. Knows no page.

import { Lines } from "./lines.js";
import { LogSource } from "./source.js";

const AGAIN = 2_000; // after a question that was not answered
const AROUND = 20; // lines beside those in view
const FIRST = 50; // lines of the first question, whose lengths nobody knows yet
const FINAL = new Set(["not_found", "no_such_stream", "forbidden", "unauthenticated", "bad_token"]);

export class LogReader {
  /**
   * `begin` is the line to begin at, null for the end. `view()` tells {line, most}: the first line in view and how
   * many are. `on` hears came(first) when lines arrived or changed, and refused(code).
   */
  constructor({ task, step, env, begin, view, on }) {
    this.source = new LogSource(task, step, env);
    this.lines = new Lines();
    this.env = env;
    this.begin = begin;
    this.view = view;
    this.on = on;
    this.known = false; // nothing was answered yet
    this.asking = false;
    this.wanting = false;
    this.tail = false; // the end is wanted
    this.timer = null;
    this.stopped = false;
  }

  stop() {
    this.stopped = true;
    this.env.clearTimeout(this.timer);
    this.source.stop();
  }

  /** The end is wanted, for it has moved or was left. */
  wantEnd() {
    this.tail = true;
    this.want();
  }

  /** What is to be asked for next: null when nothing is. */
  wish() {
    if (!this.known && this.begin !== null) return { from: Math.max(1, this.begin - FIRST / 2), count: FIRST };
    const { line, most } = this.view();
    if (!this.known || this.tail) {
      const count = Math.min(most + 4, this.known ? this.lines.portion() : FIRST);
      return { from: -count, count };
    }
    const around = Math.min(AROUND, most);
    return this.lines.missing(line, line + most) || this.lines.missing(line - around, line + most + around);
  }

  /** Asks, unless a question is under way: then again after its answer. */
  async want() {
    if (this.asking) {
      this.wanting = true;
      return;
    }
    const wish = this.stopped ? null : this.wish();
    if (!wish) return;
    this.asking = true;
    this.wanting = false;
    this.tail = false;
    let failed = null;
    try {
      const answer = await this.source.lines(wish.from, wish.count);
      if (!this.stopped) this.take(answer);
    } catch (error) {
      failed = error;
    }
    this.asking = false;
    if (this.stopped) return;
    if (failed) this.failed(failed);
    else if (wish.from > 0 && !this.lines.has(wish.from)) this.later(); // it was said to be there, and will be
    else if (this.wanting || this.wish()) this.want();
  }

  later() {
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => this.want(), AGAIN);
  }

  failed({ code }) {
    if (FINAL.has(code)) this.on.refused(code);
    else this.later();
  }

  take(answer) {
    const first = !this.known;
    this.known = true;
    if (answer.redraws) this.lines.doubt();
    this.lines.grow(answer);
    this.put(answer.items);
    this.on.came(first);
  }

  put(items) {
    const { line, most } = this.view();
    this.lines.put(items, line, line + most);
  }
}
