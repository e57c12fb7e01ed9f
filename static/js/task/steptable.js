// The chart as a table, for screen readers and for print: renewed at most every ten seconds, so that a reader in the
// middle of a row is left in peace.

import { h, setText } from "../ui/dom.js";
import { elapsed } from "./timing.js";

const GAP = 10_000;

export class StepTable {
  constructor(element, { texts, env, live }) {
    this.element = element;
    this.tools = { texts, env, live };
    this.structure = null;
    this.shownAt = -Infinity;
    this.timer = null;
  }

  update({ stream, task, steps }) {
    this.scene = { task, steps };
    const { env } = this.tools;
    const structure = `${stream} ${steps.map((step) => step.name).join(" ")}`;
    if (structure !== this.structure) this.build(steps);
    this.structure = structure;
    const due = this.shownAt + GAP - env.now();
    if (due <= 0) this.show();
    else if (this.timer === null) this.timer = env.setTimeout(() => this.show(), due);
  }

  clear() {
    this.tools.env.clearTimeout(this.timer);
    this.timer = null;
    this.structure = null;
    this.element.replaceChildren();
  }

  build(steps) {
    const { texts } = this.tools;
    this.shownAt = -Infinity;
    this.caption = h("caption", { dir: "auto" });
    this.cells = new Map();
    const rows = steps.map((step) => {
      const cells = [h("td"), h("td"), h("td"), h("td", { dir: "auto" })];
      this.cells.set(step.name, cells);
      return h("tr", {}, h("th", { scope: "row", dir: "auto" }, step.name), cells);
    });
    const heads = ["task.step", "task.state", "task.needs", "task.elapsed", "task.said"];
    this.element.replaceChildren(this.caption,
      h("thead", {}, h("tr", {}, heads.map((key) => h("th", { scope: "col" }, texts.say(key))))),
      h("tbody", {}, rows));
  }

  show() {
    const { texts, env, live } = this.tools;
    env.clearTimeout(this.timer);
    this.timer = null;
    this.shownAt = env.now();
    const { task, steps } = this.scene;
    setText(this.caption, `${task.title}: ${texts.say(`state.${task.state}`)}`);
    const now = live().clock.now();
    for (const step of steps) {
      const words = [texts.say(`state.${step.state}`), (step.needs || []).join(", "), elapsed(step, now), step.message || step.reason || ""];
      this.cells.get(step.name).forEach((cell, index) => setText(cell, words[index]));
    }
  }
}
