// A task as a plain list of steps: the state as a shape and a word, progress, what it says. Changed in place.

import { h, setText, svg } from "../dom.js";
import { clockFace } from "../clock.js";
import { stepDensity } from "../tally.js";

/** A shape for each state, drawn in an 18 × 18 box: ring, dots, tick, cross, dash, diamond. */
const SHAPES = {
  pending: [["circle", { cx: 9, cy: 9, r: 5 }]],
  running: [["circle", { cx: 9, cy: 9, r: 6.5, "stroke-dasharray": "29 12", class: "turning" }]],
  waiting: [["path", { d: "M6 4v10M12 4v10" }]],
  retrying: [["path", { d: "M14 9a5 5 0 1 1-2-4M12 1.5V5H8.5" }]],
  succeeded: [["path", { d: "M3.5 9.5l4 4L15 5" }]],
  failed: [["path", { d: "M4 4l10 10M14 4L4 14" }]],
  cancelled: [["path", { d: "M3 9h12" }]],
  cancelling: [["path", { d: "M3 9h12" }]],
  skipped: [["path", { d: "M4 4l6 5-6 5M13 4v10" }]],
  lost: [["path", { d: "M9 2l7 7-7 7-7-7z" }]],
};

function shape(state) {
  return svg("svg", { viewBox: "0 0 18 18", class: "shape", "aria-hidden": "true" },
    (SHAPES[state] || SHAPES.pending).map(([tag, attributes]) => svg(tag, attributes)));
}

export class Badge {
  constructor(texts) {
    this.texts = texts;
    this.state = null;
    this.word = h("span", { class: "word" });
    this.element = h("span", { class: "badge" }, this.word);
  }

  set(state) {
    if (state === this.state) return;
    this.state = state;
    this.element.dataset.state = state;
    this.element.replaceChildren(shape(state), this.word);
    setText(this.word, this.texts.say(`state.${state}`));
  }
}

export class Steps {
  constructor(stage, { texts, live }) {
    this.stage = stage;
    this.texts = texts;
    this.live = live;
    this.structure = null;
  }

  leave() {
    this.structure = null;
  }

  update({ stream, task, steps }) {
    const structure = JSON.stringify([stream, steps.map((step) => [step.name, step.needs])]);
    if (structure !== this.structure) this.build(steps);
    this.structure = structure;
    this.task = task;
    this.steps = steps;
    setText(this.title, task.title);
    this.badge.set(task.state);
    setText(this.reason, task.reason || "");
    for (const step of steps) this.set(step);
    this.tick();
  }

  build(steps) {
    this.rows = new Map();
    const items = steps.map((step) => {
      const parts = { badge: new Badge(this.texts), detail: h("span", { class: "detail", dir: "auto" }), time: h("span", { class: "time" }),
        fill: svg("svg", { class: "bar", width: "0%", "aria-hidden": "true" }), item: null };
      parts.item = h("li", { class: "step" },
        parts.badge.element,
        h("span", { class: "what" }, h("b", { dir: "auto" }, step.name), parts.detail),
        parts.time,
        h("span", { class: "track" }, parts.fill));
      this.rows.set(step.name, parts);
      return parts.item;
    });
    this.title = h("h1", { dir: "auto" });
    this.badge = new Badge(this.texts);
    this.reason = h("span", { class: "reason", dir: "auto" });
    this.time = h("span", { class: "time" });
    this.done = h("span", { class: "progressed" });
    this.stage.replaceChildren(h("section", { class: "task", "data-density": stepDensity(steps.length) },
      this.title,
      h("p", { class: "sum" }, this.badge.element, this.done, this.time, this.reason),
      h("ol", { class: "steps" }, items)));
  }

  set(step) {
    const parts = this.rows.get(step.name);
    parts.badge.set(step.state);
    parts.item.dataset.state = step.state;
    const share = step.progress === null || step.progress === undefined ? null : step.progress;
    const said = [step.message, step.reason].filter(Boolean).join(" · ");
    setText(parts.detail, [share !== null && step.state === "running" ? `${Math.round(share * 100)}%` : "", said].filter(Boolean).join(" · "));
    const done = step.state === "succeeded" ? 1 : share || 0;
    parts.fill.setAttribute("width", `${Math.round(done * 1000) / 10}%`);
  }

  /** Times run on between events. */
  tick() {
    if (!this.structure || !this.task) return;
    setText(this.time, this.elapsed(this.task));
    const ended = this.steps.filter((step) => step.ended_at || ["succeeded", "failed", "cancelled", "skipped", "lost"].includes(step.state)).length;
    setText(this.done, this.texts.say("task.done", { n: ended, of: this.steps.length }));
    for (const step of this.steps) setText(this.rows.get(step.name).time, this.elapsed(step));
  }

  elapsed({ started_at: from, ended_at: to }) {
    if (!from) return "";
    return clockFace((to ? Date.parse(to) : this.live().clock.now()) - Date.parse(from));
  }
}
