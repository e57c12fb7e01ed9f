// The log of one step. Only the lines in view are on the page, and only those around them are held. Follows the end until
// the reader scrolls up.

import { find, setText } from "../ui/dom.js";
import { timeZoneName } from "../ui/timestamps.js";
import { hasEnded } from "../task/states.js";
import { formatBytes } from "./bytes.js";
import { PREFERENCES, loadPreferences, savePreferences } from "./preferences.js";
import { LogReader } from "./reader.js";
import { LogSearch } from "./search.js";
import { LogWindow } from "./window.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LogEnd, Step } from "../net/wire.d.ts" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Preference } from "./preferences.js" */

/** The scroll bar is corrected this many milliseconds after its last movement. */
const SCROLL_REST = 160;

export class LogView {
  /**
   * @param {HTMLElement} element the section as the template made it
   * @param {{texts: Texts, number: FormatNumber, env: Environment, task: string}} tools
   */
  constructor(element, { texts, number, env, task }) {
    this.element = element;
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.task = task;
    this.parts = { name: find(".name", element), size: find(".size", element), empty: find(".empty", element), download: find("a.raw", element) };
    /** @type {Record<Preference | "follow", HTMLButtonElement>} */
    this.buttons = { follow: find(".follow", element), times: find(".times", element), wrap: find(".wrap", element) };
    this.preferences = loadPreferences();
    this.window = new LogWindow(element, { texts, number });
    /** @type {Step | null} */
    this.step = null;
    /** @type {LogReader | null} */
    this.reader = null;
    /** @type {number | null} the line that the address names */
    this.target = null;
    /** @type {boolean | null} */
    this.follow = null;
    /** @type {number | null} */
    this.restTimer = null;
    this.search = new LogSearch(find("form", element), { texts, number, env }, {
      jump: (line) => this.jump(line), changed: () => this.draw(),
    });
    setText(this.buttons.times, `${texts.say("log.times")} (${timeZoneName(new Date())})`);
    this.applyPreferences();
    this.listen();
  }

  listen() {
    this.window.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.buttons.follow.addEventListener("click", () => this.setFollow(!this.follow));
    for (const name of PREFERENCES) {
      this.buttons[name].addEventListener("click", () => this.setPreference(name, !this.preferences[name]));
    }
    new ResizeObserver(() => this.resized()).observe(this.window.scroller);
  }

  applyPreferences() {
    for (const name of PREFERENCES) this.buttons[name].setAttribute("aria-pressed", String(this.preferences[name]));
    this.element.classList.toggle("no-times", !this.preferences.times);
    this.element.classList.toggle("wrapped", this.preferences.wrap);
    this.window.wrap = this.preferences.wrap;
  }

  /**
   * @param {Preference} name
   * @param {boolean} on
   */
  setPreference(name, on) {
    this.preferences[name] = on;
    savePreferences(this.preferences);
    this.applyPreferences();
    if (!this.step) return;
    this.window.updateWrapping();
    this.resized();
  }

  // -- which log

  /**
   * Shows the log of a step: at a line, else at its end, or at its beginning where the step succeeded.
   * @param {Step} step
   * @param {number | null} line
   */
  open(step, line = null) {
    const isSame = this.step !== null && this.step.name === step.name;
    if (isSame && (line === null || line === this.target)) return;
    this.target = line;
    if (isSame && line !== null) {
      this.jump(line);
      return;
    }
    if (this.reader) this.reader.stop();
    this.reader = null;
    this.env.clearTimeout(this.restTimer);
    this.step = step;
    this.follow = null;
    this.setFollow(line === null && !this.hasEnded);
    const begin = line === null && step.state === "succeeded" ? 1 : line;
    const reader = this.makeReader(step, begin);
    this.window.open(reader.lines);
    this.reader = reader;
    setText(this.parts.name, step.name);
    this.window.scroller.setAttribute("aria-label", this.texts.say("log.of", { step: step.name }));
    this.parts.download.setAttribute("href", reader.source.address);
    this.parts.download.setAttribute("download", `${this.task}-${step.name}.log`);
    this.showMessage("log.loading");
    this.search.use(reader.source);
    this.draw();
    reader.request();
  }

  /**
   * @param {Step} step
   * @param {number | null} begin
   */
  makeReader(step, begin) {
    return new LogReader({
      task: this.task, step: step.name, env: this.env, begin,
      view: () => ({ line: this.window.viewport.line, rows: Math.max(this.window.maxRows, this.window.span) }),
      on: { lines: (isFirst) => this.linesArrived(isFirst, begin), refused: (code) => this.refused(code) },
    });
  }

  get hasEnded() {
    return this.step !== null && hasEnded(this.step.state);
  }

  /**
   * Takes the newest state of the step, which may have started, ended or started again.
   * @param {Step} step
   */
  updateStep(step) {
    if (!this.step || !this.reader || this.step.name !== step.name) return;
    const isNews = step.state !== this.step.state || step.attempt !== this.step.attempt;
    this.step = step;
    this.buttons.follow.disabled = this.hasEnded && !this.follow;
    if (isNews) this.reader.request();
  }

  /**
   * Takes the newest length of the log.
   * @param {LogEnd | undefined} end
   */
  updateEnd(end) {
    if (!this.reader || !end) return;
    const { started, lines } = this.reader;
    if (!this.follow) {
      if (started && lines.update(end)) this.draw();
    } else if (!started || end.lines !== lines.count || end.bytes !== lines.bytes) this.reader.requestEnd();
  }

  /**
   * @param {boolean} isFirst
   * @param {number | null} begin
   */
  linesArrived(isFirst, begin) {
    const { lines } = this.window;
    this.showMessage(lines.count ? "" : this.emptyMessage);
    if (lines.redraws) this.window.updateWrapping();
    if (isFirst && this.target !== null) this.jump(this.target);
    else if (this.follow || (isFirst && begin === null)) this.moveToEnd();
    else this.draw();
  }

  /** @param {string} code */
  refused(code) {
    this.showMessage(code === "not_found" || code === "no_such_stream" ? this.emptyMessage : "log.denied");
  }

  get emptyMessage() {
    return this.hasEnded ? "log.empty" : "log.nothing_yet";
  }

  /**
   * Shows a message in place of lines, or hides it.
   * @param {string} key
   */
  showMessage(key) {
    this.parts.empty.hidden = !key;
    this.element.classList.toggle("without", key === this.emptyMessage);
    if (key) setText(this.parts.empty, this.texts.say(key));
  }

  // -- scrolling

  scrolled() {
    if (!this.reader || this.window.scroller.scrollTop === this.window.barTop) return;
    const { moved, isBarAtEnd } = this.window.scrolled();
    const { isAtEnd } = this.window;
    if (moved < 0 && !isAtEnd) this.setFollow(false);
    else if (moved > 0 && isAtEnd && !this.hasEnded) this.setFollow(true);
    this.draw();
    // A bar that is corrected while it moves would jump under the pointer; at an end it could move no further.
    this.env.clearTimeout(this.restTimer);
    if (isBarAtEnd()) this.window.correctBar();
    else this.restTimer = this.env.setTimeout(() => this.window.correctBar(), SCROLL_REST);
  }

  moveToEnd() {
    // Lines that wrap have their heights measured when they are drawn: only the second pass knows them.
    for (let pass = 0; pass < (this.preferences.wrap ? 2 : 1); pass += 1) {
      this.window.moveToEnd();
      this.draw();
    }
    this.window.correctBar();
  }

  /**
   * Shows a line, wherever in the log it is.
   * @param {number} line
   */
  jump(line) {
    if (!this.reader || !this.reader.started) return;
    this.target = line;
    this.setFollow(false);
    this.window.showLine(line);
    this.draw();
    this.window.correctBar();
  }

  /** @param {boolean} on */
  setFollow(on) {
    const changed = this.follow !== on;
    this.follow = on;
    this.buttons.follow.setAttribute("aria-pressed", String(on));
    this.buttons.follow.disabled = this.hasEnded && !on;
    if (!changed || !on || !this.reader) return;
    if (this.reader.started) this.moveToEnd();
    this.reader.requestEnd();
  }

  resized() {
    this.window.forgetHeights();
    if (!this.reader) return;
    if (this.follow) {
      this.moveToEnd();
      return;
    }
    this.window.clamp();
    this.draw();
    this.window.correctBar();
  }

  draw() {
    if (!this.step || !this.reader) return;
    const { source, lines, started } = this.reader;
    this.window.draw({ step: this.step.name, target: this.target, search: this.search, source: source.address });
    const size = { n: this.number(lines.count), bytes: formatBytes(lines.bytes, this.number) };
    setText(this.parts.size, lines.count ? this.texts.say("log.size", size, lines.count) : "");
    if (started) this.reader.request();
  }
}
