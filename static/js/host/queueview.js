// The host's queue of questions: rows, keys, decisions, and the answers that are written.

import { openDialog } from "../ui/dialog.js";
import { h, setText } from "../ui/dom.js";
import { Decisions } from "./decisions.js";
import { errorText } from "./pollform.js";
import { QuestionQueue, questionsOf, stateOf } from "./queue.js";
import { queueActionOf } from "./queuekeys.js";
import { QuestionRow } from "./queuerow.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Announcer } from "../ui/announcer.js" */
/** @import { Notice } from "../ui/notice.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { CallOutcome } from "./commandqueue.js" */
/** @import { Call } from "./commands.js" */
/** @import { QuestionState } from "./queue.js" */

/** The most rows that are drawn; the others wait until there is room. */
const DRAWN = 150;
/** The rows stay where they are for so long after the pointer or the focus has left them. */
const RESTS = 3_000;

/**
 * @typedef {object} QueueTools
 * @property {string} code of the wall
 * @property {Texts} texts
 * @property {FormatNumber} number
 * @property {Environment} env
 * @property {Announcer} announcer
 * @property {Notice} notice
 * @property {(call: Call) => Promise<CallOutcome>} call
 */

export class QueueView {
  /**
   * @param {HTMLElement} element
   * @param {QueueTools} tools
   */
  constructor(element, tools) {
    const { code, env, texts, announcer, notice, call } = tools;
    this.element = element;
    this.tools = tools;
    this.texts = texts;
    this.env = env;
    this.announcer = announcer;
    this.notice = notice;
    this.queue = new QuestionQueue();
    /** @type {Readonly<Record<string, any>>} */
    this.values = {};
    /** @type {Map<number, QuestionRow>} */
    this.rows = new Map();
    /** @type {number | null} the row that the keys are for */
    this.current = null;
    this.isPointed = false;
    this.heldUntil = -Infinity;
    this.decisions = new Decisions({
      code, call, env,
      stateOf: (n) => (this.values[`question/${n}`] ? this.values[`question/${n}`].state : null),
      onOutcome: (n, state, outcome, error) => this.settled(n, state, outcome, error),
    });
    this.waiting = h("span", { class: "quiet" });
    this.fresh = h("button", { type: "button", class: "link", hidden: true, onclick: () => this.goToNew() });
    this.none = h("p", { class: "quiet", hidden: true }, texts.say("queue.none"));
    this.list = h("ol", { class: "queue", "aria-label": texts.say("queue.title") });
    this.more = h("p", { class: "quiet" });
    this.pastKey = "";
    this.past = h("ol", { class: "past" });
    this.pastHead = h("summary");
    this.pastBox = h("details", { hidden: true }, this.pastHead, this.past);
    this.pastBox.addEventListener("toggle", () => this.drawPast());
    element.replaceChildren(h("p", { class: "count" }, this.waiting, " ", this.fresh), this.none, this.list, this.more, this.pastBox);
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("focusin", (event) => this.focused(event));
    this.list.addEventListener("focusout", () => this.rest());
    this.list.addEventListener("pointerenter", () => { this.isPointed = true; });
    this.list.addEventListener("pointerleave", () => {
      this.isPointed = false;
      this.rest();
    });
  }

  rest() {
    this.heldUntil = this.env.now() + RESTS;
  }

  get isHeld() {
    return this.isPointed || this.list.contains(document.activeElement) || this.env.now() < this.heldUntil;
  }

  /**
   * Is called with every event and every second.
   * @param {Readonly<Record<string, any>>} values of the stream of questions
   */
  update(values) {
    this.values = values;
    this.queue.update(questionsOf(values), this.env.now(), this.isHeld);
    this.draw();
  }

  draw() {
    const { queue, list } = this;
    const drawn = queue.rows.slice(0, DRAWN);
    const focused = document.activeElement;
    const hadFocus = list.contains(focused);
    const before = [...list.children];
    const place = before.findIndex((row) => row.contains(focused));
    const wanted = new Set(drawn.map(({ n }) => n));
    for (const [n, row] of this.rows) {
      if (wanted.has(n)) continue;
      row.element.remove();
      this.rows.delete(n);
    }
    drawn.forEach((row, index) => {
      const view = this.rows.get(row.n) || new QuestionRow(row.n, this.tools, this);
      this.rows.set(row.n, view);
      view.update(row);
      // A row that is moved in the document loses the focus: it is moved only where it has to.
      if (list.children[index] !== view.element) list.insertBefore(view.element, list.children[index] || null);
    });
    if (this.current === null || !wanted.has(this.current)) {
      const next = drawn[Math.min(Math.max(place, 0), drawn.length - 1)];
      this.current = next ? next.n : null;
      if (hadFocus && next && document.activeElement === document.body) this.focus(next.n);
    }
    for (const [n, { element }] of this.rows) element.tabIndex = n === this.current ? 0 : -1;
    const pending = queue.rows.filter((row) => stateOf(row) === "pending").length;
    setText(this.waiting, this.texts.say("queue.waiting", { n: this.tools.number(pending) }, pending));
    this.fresh.hidden = !queue.newCount;
    setText(this.fresh, this.texts.say("queue.news", { n: queue.newCount }, queue.newCount));
    this.none.hidden = queue.rows.length > 0;
    const more = queue.rows.length - drawn.length;
    setText(this.more, more ? this.texts.say("queue.more", { n: this.tools.number(more) }, more) : "");
    this.drawPast();
  }

  /** Draws the list of those that were answered or hidden, where it is open. */
  drawPast() {
    const inQueue = new Set(this.queue.rows.map(({ n }) => n));
    const past = questionsOf(this.values).filter(({ n, state }) => !inQueue.has(n) && (state === "answered" || state === "hidden"));
    this.pastBox.hidden = !past.length;
    setText(this.pastHead, this.texts.say("queue.past", { n: this.tools.number(past.length) }, past.length));
    const key = this.pastBox.open ? JSON.stringify(past) : "";
    if (key === this.pastKey) return;
    this.pastKey = key;
    this.past.replaceChildren(...(key ? past : []).sort((a, b) => b.n - a.n).slice(0, DRAWN).map(({ n, text, state }) => h("li", {},
      h("span", { class: "state" }, this.texts.say(`queue.state.${state}`)), " ", h("span", { dir: "auto" }, text), " ",
      h("button", { type: "button", onclick: () => this.decisions.send(n, "shown", state) }, this.texts.say("queue.do.shown")))));
  }

  /** @param {FocusEvent} event */
  focused({ target }) {
    const row = target instanceof Element ? target.closest("li[data-n]") : null;
    if (!row) return;
    this.current = Number(row.getAttribute("data-n"));
    for (const [n, { element }] of this.rows) element.tabIndex = n === this.current ? 0 : -1;
  }

  /** @param {number} n */
  focus(n) {
    const row = this.rows.get(n);
    if (row) row.element.focus();
  }

  goToNew() {
    const row = this.queue.firstNew;
    if (row) this.focus(row.n);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const action = queueActionOf(event);
    if (!action || this.current === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (action === "up" || action === "down") {
      const row = this.queue.neighbor(this.current, action === "up" ? -1 : 1);
      if (row) this.focus(row.n);
    } else if (action === "undo") this.undo(this.current);
    else if (action === "answer") this.answer(this.current);
    else this.decide(this.current, action);
  }

  /**
   * @param {number} n
   * @param {QuestionState} state
   * @param {{undo?: boolean}} options
   */
  decide(n, state, options = {}) {
    const row = this.queue.row(n);
    if (!row || !this.queue.decide(n, state, this.env.now(), options)) return;
    if (document.activeElement !== document.body && this.list.contains(document.activeElement)) this.focus(n);
    this.decisions.send(n, state, row.question.state);
    this.draw();
  }

  /** @param {number} n */
  undo(n) {
    const row = this.queue.undoable(n);
    if (row && row.decision) this.decide(row.n, row.decision.before, { undo: true });
  }

  /**
   * @param {number} n
   * @param {QuestionState} state
   * @param {"done" | "unsent" | "refused"} outcome
   * @param {ApiError} [error]
   */
  settled(n, state, outcome, error) {
    this.queue.settle(n, state, outcome, this.env.now());
    if (outcome === "refused") {
      const text = error && error.code === "conflict" ? this.texts.say("queue.other") : errorText(error || { code: "internal" }, this.texts);
      this.notice.show(text, { wrong: true });
    } else this.announcer.repeat(this.texts.say(outcome === "done" ? `queue.done.${state}` : "queue.unsent"));
    this.draw();
  }

  /** @param {number} n */
  answer(n) {
    const row = this.queue.row(n);
    if (!row) return;
    const { text, answer = "" } = row.question;
    const field = h("textarea", { name: "answer", rows: "4", maxlength: "4000", dir: "auto" });
    field.value = answer;
    const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
    const form = h("form", { class: "make" }, h("p", { class: "text", dir: "auto" }, text),
      h("label", { class: "field" }, this.texts.say("queue.answer"), field), wrong,
      h("p", { class: "acts" }, h("button", { class: "primary" }, this.texts.say("host.save")),
        h("button", { type: "button", class: "second", onclick: () => dialog.close() }, this.texts.say("host.cancel"))));
    const dialog = openDialog({ title: this.texts.say("queue.answer_title"), parts: [form] });
    field.focus();
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { error } = await this.decisions.answer(n, field.value.trim());
      if (!error) {
        dialog.close();
        return;
      }
      setText(wrong, errorText(error, this.texts));
      wrong.hidden = false;
    });
  }
}
