// The chart as a table, for screen readers and for print. Redrawn at most every ten seconds.

import { h, setText } from "../ui/dom.js";
import { Throttle } from "../ui/throttle.js";
import { hasHosts, progressOf, progressParts } from "./hosts.js";
import { saidOf } from "./stepwords.js";
import { elapsedText } from "./timing.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Step } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { TaskScene } from "../wall/scene.js" */

const GAP = 10_000;

export class StepTable {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, env: Environment, live: LiveStreams}} tools
   */
  constructor(element, { texts, env, live }) {
    this.element = element;
    this.texts = texts;
    this.live = live;
    /** @type {TaskScene | null} */
    this.scene = null;
    /** @type {ReturnType<StepTable["build"]> | null} */
    this.view = null;
    this.throttle = new Throttle(env, GAP, () => this.draw());
  }

  /** @param {TaskScene} scene */
  update(scene) {
    this.scene = scene;
    const structure = `${scene.stream} ${scene.steps.map((step) => step.name).join(" ")}`;
    const isNew = !this.view || structure !== this.view.structure;
    if (isNew) this.view = this.build(structure, scene.steps);
    this.throttle.request({ isNew });
  }

  clear() {
    this.throttle.stop();
    this.view = null;
    this.element.replaceChildren();
  }

  /**
   * @param {string} structure
   * @param {Step[]} steps
   */
  build(structure, steps) {
    const caption = h("caption", { dir: "auto" });
    const cells = new Map(steps.map((step) => [step.name, [h("td"), h("td"), h("td"), h("td", { dir: "auto" })]]));
    const rows = [...cells].map(([name, list]) => h("tr", {}, h("th", { scope: "row", dir: "auto" }, name), list));
    const heads = ["task.step", "task.state", "task.needs", "task.elapsed", "task.message"];
    this.element.replaceChildren(caption,
      h("thead", {}, h("tr", {}, heads.map((key) => h("th", { scope: "col" }, this.texts.say(key))))),
      h("tbody", {}, rows));
    return { structure, caption, cells };
  }

  draw() {
    const { scene, view, texts } = this;
    if (!scene || !view) return;
    setText(view.caption, `${scene.task.title}: ${texts.say(`state.${scene.task.state}`)}`);
    const now = this.live.clock.now();
    for (const step of scene.steps) {
      const hosts = hasHosts(step) ? progressParts(progressOf(step), texts, 10) : [];
      const message = [...hosts, saidOf(step, texts)].filter(Boolean).join(" · ");
      const columns = [texts.say(`state.${step.state}`), (step.needs || []).join(", "), elapsedText(step, now), message];
      const cells = view.cells.get(step.name) || [];
      cells.forEach((cell, index) => setText(cell, columns[index]));
    }
  }
}
