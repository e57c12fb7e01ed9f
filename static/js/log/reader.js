// Reads one log as it is looked at: asks for the lines in view and around them, or for the end, one request at a time,
// and holds no more than its cache. Knows no elements.

import { LineCache } from "./linecache.js";
import { LogSource } from "./source.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LinesAnswer } from "./source.js" */

const RETRY = 2_000;
const MARGIN = 20; // lines before and after those in view
const FIRST_BATCH = 50; // lines of the first request, when nobody knows how long they are
const FINAL = new Set(["not_found", "no_such_stream", "forbidden", "unauthenticated", "bad_token"]);

export class LogReader {
  /**
   * @param {object} options
   * @param {string} options.task
   * @param {string} options.step
   * @param {Environment} options.env
   * @param {number | null} options.begin the line to begin at, null for the end
   * @param {() => {line: number, rows: number}} options.view the first line in view, and how many lines are
   * @param {{lines: (isFirst: boolean) => void, refused: (code: string) => void}} options.on `lines` hears that lines
   *   arrived or changed
   */
  constructor({ task, step, env, begin, view, on }) {
    this.source = new LogSource(task, step, env);
    this.lines = new LineCache();
    this.env = env;
    this.begin = begin;
    this.view = view;
    this.on = on;
    this.started = false; // the first answer has arrived
    this.asking = false;
    this.askAgain = false; // something was requested while a request was under way
    this.wantsEnd = false;
    /** @type {number | null} */
    this.timer = null;
    this.stopped = false;
  }

  stop() {
    this.stopped = true;
    this.env.clearTimeout(this.timer);
    this.source.stop();
  }

  /** Asks for the end, which has moved or was not in view. */
  requestEnd() {
    this.wantsEnd = true;
    this.request();
  }

  /** Returns the lines to ask for next, or null if none are needed. */
  nextRange() {
    if (!this.started && this.begin !== null) return { from: Math.max(1, this.begin - FIRST_BATCH / 2), count: FIRST_BATCH };
    const { line, rows } = this.view();
    if (!this.started || this.wantsEnd) {
      const count = Math.min(rows + 4, this.started ? this.lines.batchSize() : FIRST_BATCH);
      return { from: -count, count };
    }
    const margin = Math.min(MARGIN, rows);
    return this.lines.missingRange(line, line + rows) || this.lines.missingRange(line - margin, line + rows + margin);
  }

  /** Asks for what is needed now; while a request is under way, after its answer. */
  async request() {
    if (this.asking) {
      this.askAgain = true;
      return;
    }
    const range = this.stopped ? null : this.nextRange();
    if (!range) return;
    this.asking = true;
    this.askAgain = false;
    this.wantsEnd = false;
    /** @type {unknown} */
    let failure = null;
    try {
      const answer = await this.source.lines(range.from, range.count);
      if (!this.stopped) this.take(answer);
    } catch (error) {
      failure = error;
    }
    this.asking = false;
    if (this.stopped) return;
    if (failure) this.failed(failure);
    // The stream announced a line that the log does not have yet: asking again at once would bring the same answer.
    else if (range.from > 0 && !this.lines.isCurrent(range.from)) this.retryLater();
    else if (this.askAgain || this.nextRange()) this.request();
  }

  retryLater() {
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => this.request(), RETRY);
  }

  /** @param {unknown} error */
  failed(error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (FINAL.has(code)) this.on.refused(code);
    else this.retryLater();
  }

  /** @param {LinesAnswer} answer */
  take(answer) {
    const isFirst = !this.started;
    this.started = true;
    if (answer.redraws) this.lines.invalidate();
    this.lines.update(answer);
    const { line, rows } = this.view();
    this.lines.add(answer.items, line, line + rows);
    this.on.lines(isFirst);
  }
}
