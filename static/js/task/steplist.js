// A task as a plain list of its steps: the state as a shape and a word, the progress, the message. Changed in place.

import { h, setText, svg } from "../ui/dom.js";
import { StateBadge } from "./badge.js";
import { hasHosts, progressOf, progressParts } from "./hosts.js";
import { reasonOf, stepsText, waitText } from "./stepwords.js";
import { elapsedText, forecastText, progressText } from "./timing.js";

/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Step } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { TaskScene } from "../wall/scene.js" */

/**
 * Returns how densely so many steps stand on the projector.
 * @param {number} steps
 */
export function stepDensity(steps) {
  if (steps <= 8) return "few";
  if (steps <= 13) return "some";
  return steps <= 26 ? "two" : "three";
}

export class StepList {
  /**
   * @param {HTMLElement} stage
   * @param {{texts: Texts, live: LiveStreams}} tools
   */
  constructor(stage, { texts, live }) {
    this.stage = stage;
    this.texts = texts;
    this.live = live;
    /** @type {TaskScene | null} */
    this.scene = null;
    /** @type {ReturnType<StepList["build"]> | null} */
    this.view = null;
  }

  /** Another view takes the stage. */
  leave() {
    this.view = null;
  }

  /** @param {TaskScene} scene */
  update(scene) {
    const { stream, task, steps } = scene;
    const structure = JSON.stringify([stream, steps.map((step) => [step.name, step.needs])]);
    const view = this.view && structure === this.view.structure ? this.view : this.build(structure, steps);
    this.view = view;
    this.scene = scene;
    setText(view.title, task.title);
    view.badge.set(task.state);
    setText(view.reason, reasonOf(task, steps, this.texts));
    for (const step of steps) this.drawStep(view, step);
    this.tick();
  }

  /**
   * @param {string} structure
   * @param {Step[]} steps
   */
  build(structure, steps) {
    const rows = new Map(steps.map((step) => [step.name, this.makeRow(step)]));
    const title = h("h1", { dir: "auto" });
    const badge = new StateBadge(this.texts);
    const reason = h("span", { class: "reason", dir: "auto" });
    const time = h("span", { class: "time" });
    const rest = h("span", { class: "rest" });
    const done = h("span", { class: "progressed" });
    this.stage.replaceChildren(h("section", { class: "task", "data-density": stepDensity(steps.length) },
      title,
      h("p", { class: "sum" }, badge.element, done, time, rest, reason),
      h("ol", { class: "steps" }, [...rows.values()].map(({ item }) => item))));
    return { structure, title, badge, reason, time, rest, done, rows };
  }

  /** @param {Step} step */
  makeRow(step) {
    const badge = new StateBadge(this.texts);
    const detail = h("span", { class: "detail", dir: "auto" });
    const time = h("span", { class: "time" });
    const fill = svg("svg", { class: "bar", width: "0%", "aria-hidden": "true" });
    const item = h("li", { class: "step" },
      badge.element,
      h("span", { class: "what" }, h("b", { dir: "auto" }, step.name), detail),
      time,
      h("span", { class: "track" }, fill));
    return { item, badge, detail, time, fill };
  }

  /**
   * @param {NonNullable<StepList["view"]>} view
   * @param {Step} step
   */
  drawStep(view, step) {
    const row = view.rows.get(step.name);
    if (!row) return;
    row.badge.set(step.state);
    row.item.dataset.state = step.state;
    const progress = hasHosts(step) ? progressParts(progressOf(step), this.texts) : [progressText(step)];
    setText(row.detail, [...progress, waitText(step, this.texts) || step.message, step.reason].filter(Boolean).join(" · "));
    const done = step.state === "succeeded" ? 1 : step.progress || 0;
    row.fill.setAttribute("width", `${Math.round(done * 1000) / 10}%`);
  }

  /** Updates the times, which run on between events. */
  tick() {
    const { view, scene } = this;
    if (!view || !scene) return;
    const { task, steps } = scene;
    const now = this.live.clock.now();
    setText(view.time, elapsedText(task, now));
    setText(view.rest, forecastText(task, now, this.texts));
    setText(view.done, stepsText(steps, this.texts));
    for (const step of steps) {
      const row = view.rows.get(step.name);
      if (row) setText(row.time, elapsedText(step, now));
    }
  }
}
