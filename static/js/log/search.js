// Search over the whole log: the server counts and finds, the page jumps. Line numbers of hits are held, not lines.

import { setText } from "../ui/dom.js";

const PAUSE = 300; // while somebody types

export class LogSearch {
  /** `jump(line)` shows a hit; `changed()` when there are others to mark. */
  constructor(form, { texts, number, env, jump, changed }) {
    this.form = form;
    this.input = form.querySelector("input");
    this.found = form.querySelector(".found");
    [this.before, this.after] = form.querySelectorAll("button");
    this.tools = { texts, number, env, jump, changed };
    this.source = null;
    this.timer = null;
    this.clear();
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => event.key === "Escape" && this.reset());
    this.before.addEventListener("click", () => this.step(-1));
    this.after.addEventListener("click", () => this.step(1));
    form.addEventListener("submit", (event) => event.preventDefault());
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      if (this.pending()) this.search(1);
      else this.step(event.shiftKey ? -1 : 1);
    });
  }

  /** Another log is searched from now on. */
  use(source) {
    this.source = source;
    this.clear();
    this.show();
    if (this.input.value) this.search(null);
  }

  clear() {
    this.tools.env.clearTimeout(this.timer);
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
    this.show();
    this.tools.changed();
  }

  pending() {
    return this.timer !== null || this.input.value !== this.query;
  }

  typed() {
    this.tools.env.clearTimeout(this.timer);
    this.timer = this.tools.env.setTimeout(() => this.search(1), PAUSE);
  }

  /** Looks for what stands in the box; with `step`, jumps to the first hit. */
  async search(step) {
    const text = this.input.value;
    const { source } = this;
    this.clear();
    this.query = text;
    this.tools.changed();
    if (!text || !source) {
      this.show();
      return;
    }
    setText(this.found, this.tools.texts.say("log.searching"));
    if (!(await this.more(source, text, 1))) return;
    if (step && this.hits.length) this.step(1);
    else this.show();
    this.tools.changed();
  }

  async more(source, text, from) {
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
      if (error.name !== "AbortError") setText(this.found, this.tools.texts.say("log.search_failed"));
      return false;
    }
  }

  async step(by) {
    if (this.pending()) {
      await this.search(1);
      return;
    }
    if (by > 0 && this.at + 1 >= this.hits.length && this.next) {
      if (!(await this.more(this.source, this.query, Number(this.next)))) return;
    }
    const to = this.at + by;
    if (to < 0 || to >= this.hits.length) return;
    this.at = to;
    this.show();
    this.tools.jump(this.hits[to]);
  }

  show() {
    const { texts, number } = this.tools;
    const none = !this.count;
    const words = none
      ? texts.say("log.no_hits")
      : this.at < 0 ? texts.say("log.hits", { n: number(this.count) }, this.count)
        : texts.say("log.hit_of", { n: number(this.at + 1), of: number(this.count) }, this.count);
    setText(this.found, this.query ? words : "");
    this.before.disabled = this.at <= 0;
    this.after.disabled = none || (this.at + 1 >= this.hits.length && !this.next);
  }
}
