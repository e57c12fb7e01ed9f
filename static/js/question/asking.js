// The field in which somebody asks, and their questions that nobody else sees yet: on their way, or waiting for a host.

import { find, h, setText } from "../ui/dom.js";
import { formatDuration } from "../ui/duration.js";
import { fitField } from "../ui/textfield.js";

/** @import { Announcer } from "../ui/announcer.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { Outbox, Unsent } from "../room/outbox.js" */
/** @import { QuestionStorage, Waiting } from "../room/storage.js" */

/** @typedef {{forbidden: string, note: string, away: string, refusal: string}} AskingState */

export class Asking {
  /**
   * @param {HTMLElement} root
   * @param {{texts: Texts, storage: QuestionStorage, outbox: Outbox, announcer: Announcer,
   *   reasonOf: (entry: Unsent) => string, onForget: (question: Waiting) => void}} tools
   */
  constructor(root, { texts, storage, outbox, announcer, reasonOf, onForget }) {
    this.texts = texts;
    this.storage = storage;
    this.outbox = outbox;
    this.announcer = announcer;
    this.reasonOf = reasonOf;
    this.forget = onForget;
    this.status = find("#asking", root);
    this.status.removeAttribute("role"); // a countdown is not spoken every second
    this.form = /** @type {HTMLFormElement | null} */ (root.querySelector("#ask"));
    this.own = h("ol", { class: "questions own", "aria-label": texts.say("question.own") });
    find("#asked", root).before(this.own);
    this.spoken = "";
    this.drawn = "";
    this.problem = "";
    if (this.form) this.listen(this.form);
  }

  /** @param {HTMLFormElement} form */
  listen(form) {
    /** @type {HTMLTextAreaElement} */
    const field = find("textarea", form);
    /** @type {HTMLInputElement} */
    const anonymous = find("input[type=checkbox]", form);
    this.button = /** @type {HTMLButtonElement} */ (find("button", form));
    field.rows = 1;
    field.required = false;
    field.removeAttribute("maxlength"); // a text that is too long is not cut, but said to be so
    if (!field.value) field.value = this.storage.draft;
    const fit = () => {
      const over = fitField(field);
      this.problem = over ? this.texts.say("question.long", { n: over }) : "";
      if (this.button) this.button.disabled = over > 0;
    };
    this.fit = fit;
    field.addEventListener("input", () => {
      this.storage.draft = field.value;
      fit();
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    const submit = () => {
      const text = field.value.trim();
      if (!text) {
        field.focus();
        return;
      }
      if (this.problem) return;
      field.value = "";
      this.storage.draft = "";
      fit();
      this.outbox.add(text, { anonymous: anonymous.checked });
      this.announcer.repeat(this.texts.say("question.sending"));
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
  }

  /** The panel is shown: only now is there a height to measure. */
  shown() {
    if (this.fit) this.fit();
  }

  /** @param {AskingState} state */
  update({ forbidden, note, away, refusal }) {
    if (this.form) this.form.hidden = Boolean(forbidden);
    const seconds = Math.ceil(this.outbox.wait / 1000);
    const waiting = seconds ? this.texts.say("question.later_sent", { time: formatDuration(seconds * 1000) }) : "";
    const text = forbidden || this.problem || refusal || waiting || away || note;
    setText(this.status, text);
    this.status.classList.toggle("bad", text !== "" && (text === this.problem || text === refusal));
    const kind = text === waiting ? "waiting" : text;
    if (kind !== this.spoken && this.spoken && text) this.announcer.announce(text);
    this.spoken = kind;
    this.drawOwn();
  }

  drawOwn() {
    const { entries } = this.outbox;
    const waiting = this.storage.waiting;
    const key = JSON.stringify([entries.map((entry) => [entry.id, entry.state, this.reasonOf(entry)]), waiting]);
    if (key === this.drawn) return;
    this.drawn = key;
    const focused = this.own.contains(document.activeElement);
    this.own.replaceChildren(
      ...entries.map((entry) => this.unsentRow(entry)),
      ...waiting.map((question) => this.waitingRow(question)));
    if (focused && this.form) find("textarea", this.form).focus();
  }

  /** @param {Unsent} entry */
  unsentRow(entry) {
    const { texts } = this;
    const isStuck = entry.state === "unreached" || entry.state === "refused";
    const words = isStuck
      ? [texts.say("question.unsent"), this.reasonOf(entry)].filter(Boolean).join(": ")
      : entry.state === "said" ? texts.say("question.sent") : texts.say("question.sending");
    return h("li", { class: `question unsent ${entry.state}` }, h("div", { class: "what" },
      h("p", { class: "text", dir: "auto" }, entry.text),
      h("p", { class: "state" },
        h("span", { role: "status" }, words),
        isStuck && h("button", { type: "button", class: "link", onclick: () => this.outbox.retry(entry.id) }, texts.say("question.again")),
        isStuck && h("button", { type: "button", class: "link", onclick: () => this.outbox.discard(entry.id) }, texts.say("question.discard")))));
  }

  /** @param {Waiting} question */
  waitingRow(question) {
    return h("li", { class: "question waiting" }, h("div", { class: "what" },
      h("p", { class: "text", dir: "auto" }, question.text),
      h("p", { class: "state" },
        h("span", {}, this.texts.say("question.waiting")),
        h("button", { type: "button", class: "link", onclick: () => this.forget(question) }, this.texts.say("question.forget")))));
  }
}
