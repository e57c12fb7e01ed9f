// Search in the whole log: the server finds and counts, the page jumps. The page holds the numbers of the lines that
// were found, and not the lines.

import { find, setText } from "../ui/dom.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { LogSource } from "./source.js" */

const TYPING_PAUSE = 300;

export class LogSearch {
  /**
   * @param {HTMLFormElement} form
   * @param {{texts: Texts, number: FormatNumber, env: Environment}} tools
   * @param {{jump: (line: number) => void, changed: () => void}} on `changed` hears that other lines are to be marked
   */
  constructor(form, { texts, number, env }, on) {
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.on = on;
    /** @type {HTMLInputElement} */
    this.input = find("input", form);
    this.status = find(".found", form);
    const [backward, forward] = form.querySelectorAll("button");
    this.backward = backward;
    this.forward = forward;
    /** @type {LogSource | null} */
    this.source = null;
    /** @type {number | null} */
    this.timer = null;
    this.query = "";
    /** @type {number[]} the lines that were found so far */
    this.hits = [];
    /** @type {Set<number>} the same */
    this.marks = new Set();
    this.count = 0; // of all lines that match
    /** @type {string | null} the line from which the server continues */
    this.next = null;
    this.at = -1;
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.backward.addEventListener("click", () => this.step(-1));
    this.forward.addEventListener("click", () => this.step(1));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Escape") this.reset();
    // With an input method for Chinese or Japanese, Enter accepts what is composed.
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (this.isPending()) this.search(true);
    else this.step(event.shiftKey ? -1 : 1);
  }

  /**
   * Searches another log from now on.
   * @param {LogSource} source
   */
  use(source) {
    this.source = source;
    this.clear();
    this.draw();
    if (this.input.value) this.search(false);
  }

  clear() {
    this.env.clearTimeout(this.timer);
    this.timer = null;
    this.query = "";
    this.hits = [];
    this.marks = new Set();
    this.count = 0;
    this.next = null;
    this.at = -1;
  }

  reset() {
    this.input.value = "";
    this.clear();
    this.draw();
    this.on.changed();
  }

  /** Whether the field holds a text that is not searched for yet. */
  isPending() {
    return this.timer !== null || this.input.value !== this.query;
  }

  typed() {
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => this.search(true), TYPING_PAUSE);
  }

  /**
   * Searches for the text in the field.
   * @param {boolean} jump whether to jump to the first hit
   */
  async search(jump) {
    const text = this.input.value;
    const { source } = this;
    this.clear();
    this.query = text;
    this.on.changed();
    if (!text || !source) {
      this.draw();
      return;
    }
    setText(this.status, this.texts.say("log.searching"));
    if (!(await this.fetch(source, text, 1))) return;
    if (jump && this.hits.length) this.step(1);
    else this.draw();
    this.on.changed();
  }

  /**
   * Fetches hits from a line on. Resolves with false where they came too late or not at all.
   * @param {LogSource} source
   * @param {string} text
   * @param {number} from
   */
  async fetch(source, text, from) {
    try {
      const answer = await source.search(text, from);
      if (source !== this.source || text !== this.query) return false;
      this.count = answer.count;
      this.next = answer.next;
      for (const { n } of answer.items) {
        this.hits.push(n);
        this.marks.add(n);
      }
      return true;
    } catch (error) {
      const isAborted = error instanceof Error && error.name === "AbortError";
      if (!isAborted) setText(this.status, this.texts.say("log.search_failed"));
      return false;
    }
  }

  /** @param {-1 | 1} by */
  async step(by) {
    if (this.isPending()) {
      await this.search(true);
      return;
    }
    if (by > 0 && this.at + 1 >= this.hits.length && this.next && this.source) {
      if (!(await this.fetch(this.source, this.query, Number(this.next)))) return;
    }
    const to = this.at + by;
    if (to < 0 || to >= this.hits.length) return;
    this.at = to;
    this.draw();
    this.on.jump(this.hits[to]);
  }

  draw() {
    setText(this.status, this.query ? this.statusText() : "");
    this.backward.disabled = this.at <= 0;
    this.forward.disabled = !this.count || (this.at + 1 >= this.hits.length && !this.next);
  }

  statusText() {
    const { texts, number, count } = this;
    if (!count) return texts.say("log.no_hits");
    if (this.at < 0) return texts.say("log.hits", { n: number(count) }, count);
    return texts.say("log.hit_of", { n: number(this.at + 1), of: number(count) }, count);
  }
}
