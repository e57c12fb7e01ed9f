// A task as a plain list of steps: the state as a shape and a word, progress, what it says. Changed in place.

import { h, setText, svg } from "../ui/dom.js";
import { hasEnded } from "./states.js";
import { stepDensity } from "../poll/tally.js";
import { elapsed, expected } from "./timing.js";
import { Badge } from "./badge.js";

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
    this.rest = h("span", { class: "rest" });
    this.done = h("span", { class: "progressed" });
    this.stage.replaceChildren(h("section", { class: "task", "data-density": stepDensity(steps.length) },
      this.title,
      h("p", { class: "sum" }, this.badge.element, this.done, this.time, this.rest, this.reason),
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
    const now = this.live().clock.now();
    setText(this.time, elapsed(this.task, now));
    setText(this.rest, expected(this.task, now, this.texts));
    const ended = this.steps.filter((step) => hasEnded(step.state)).length;
    setText(this.done, this.texts.say("task.done", { n: ended, of: this.steps.length }));
    for (const step of this.steps) setText(this.rows.get(step.name).time, elapsed(step, now));
  }
}
