// A field for a branch, a tag or a commit with a list that is searched while somebody types: the combobox pattern of
// WAI-ARIA 1.2. Any text may be typed; the list only helps.

import { h, setText } from "../ui/dom.js";
import { ageText } from "../ui/age.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Texts } from "../ui/texts.js" */

/** @typedef {{name: string, kind: "branch" | "tag" | "commit", ref: string, commit: string, date: string, subject: string}} Ref */

/** The list is asked for again so many milliseconds after the last key. */
const PAUSE = 250;
const SHORT_HASH = 10;

export class RefPicker {
  /**
   * @param {HTMLInputElement} field
   * @param {{texts: Texts, env: Environment, lang: string, address: string}} tools `address` is that of the list
   */
  constructor(field, { texts, env, lang, address }) {
    this.field = field;
    this.texts = texts;
    this.env = env;
    this.lang = lang;
    this.address = address;
    /** @type {Ref[]} */
    this.refs = [];
    this.chosen = -1;
    this.asked = 0;
    /** @type {number | null} */
    this.timer = null;
    field.removeAttribute("list"); // the list of the page without script
    this.list = h("ul", { class: "refs", id: `${field.id}.list`, role: "listbox", "aria-label": texts.say("refs.title"), hidden: true });
    this.status = h("small", { role: "status" });
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id,
    })) field.setAttribute(name, value);
    field.after(this.list, this.status);
    field.addEventListener("input", () => this.askLater());
    field.addEventListener("focus", () => this.ask());
    field.addEventListener("blur", () => this.close());
    field.addEventListener("keydown", (event) => this.onKey(event));
    // Before the field loses the focus.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.onClick(event));
  }

  askLater() {
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => this.ask(), PAUSE);
  }

  /** Asks for the refs that contain what was typed, and shows them if nothing else was typed meanwhile. */
  async ask() {
    this.asked += 1;
    const { asked } = this;
    try {
      const query = new URLSearchParams({ q: this.field.value.trim(), param: this.field.dataset.param || "" });
      const response = await this.env.fetch(`${this.address}?${query}`, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(String(response.status));
      const { items, problem } = await response.json();
      if (asked === this.asked) this.show(items, problem);
    } catch {
      if (asked === this.asked) this.show([], this.texts.say("refs.away"));
    }
  }

  /**
   * @param {Ref[]} refs
   * @param {string} problem
   */
  show(refs, problem) {
    this.refs = refs;
    this.list.replaceChildren(...refs.map((ref, index) => this.entry(ref, index)));
    const isOpen = refs.length > 0 && document.activeElement === this.field;
    this.list.hidden = !isOpen;
    this.field.setAttribute("aria-expanded", String(isOpen));
    this.choose(-1);
    setText(this.status, problem || this.texts.say("refs.found", { n: refs.length }, refs.length));
  }

  /**
   * @param {Ref} ref
   * @param {number} index
   */
  entry(ref, index) {
    const name = ref.kind === "commit" ? ref.commit.slice(0, SHORT_HASH) : ref.name;
    return h("li", { role: "option", id: `${this.list.id}.${index}`, "data-index": index, "aria-selected": "false" },
      h("b", { dir: "auto" }, name),
      h("span", { class: "quiet" }, this.texts.say(`refs.${ref.kind}`), " · ", ageText(ref.date, this.env.wallClock(), this.lang)),
      h("span", { class: "subject", dir: "auto" }, ref.subject));
  }

  /** @param {number} index the entry that Enter takes; -1 for none */
  choose(index) {
    this.chosen = index;
    for (const [place, entry] of [...this.list.children].entries()) entry.setAttribute("aria-selected", String(place === index));
    const entry = this.list.children[index];
    if (entry) {
      this.field.setAttribute("aria-activedescendant", entry.id);
      entry.scrollIntoView({ block: "nearest" });
    } else {
      this.field.removeAttribute("aria-activedescendant");
    }
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const last = this.refs.length - 1;
    if (this.list.hidden) {
      if (event.key === "ArrowDown") this.ask();
      return;
    }
    if (event.key === "ArrowDown") this.choose(this.chosen >= last ? 0 : this.chosen + 1);
    else if (event.key === "ArrowUp") this.choose(this.chosen <= 0 ? last : this.chosen - 1);
    else if (event.key === "Enter" && this.chosen >= 0) this.take(this.chosen);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  /** @param {Event} event */
  onClick(event) {
    const entry = /** @type {Element} */ (event.target).closest("li");
    if (entry) this.take(Number(entry.dataset.index));
  }

  /** @param {number} index */
  take(index) {
    this.field.value = this.refs[index].ref;
    this.close();
  }

  close() {
    this.env.clearTimeout(this.timer);
    this.asked += 1; // an answer that is under way comes too late
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.choose(-1);
  }
}
