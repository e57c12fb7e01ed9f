// A few hosts on the projector, each with its name: state, name, and why it is in its state. Made once per step.

import { StateBadge } from "../task/badge.js";
import { detailOf, waveUnderWay } from "../task/hosts.js";
import { h, setText } from "../ui/dom.js";

/** @import { Texts } from "../ui/texts.js" */
/** @import { HostStep } from "../task/hosts.js" */

/** So many hosts have room for their names. */
export const FEW = 10;
const IN_A_COLUMN = 5;

export class HostRows {
  /** @param {{texts: Texts}} tools */
  constructor({ texts }) {
    this.texts = texts;
    this.element = h("ol", { class: "hostrows" });
    this.structure = "";
    /** @type {{item: HTMLElement, badge: StateBadge, detail: HTMLElement}[]} */
    this.rows = [];
  }

  /** @param {HostStep} step */
  update(step) {
    const structure = JSON.stringify([step.name, step.targets.map(({ host }) => host)]);
    if (structure !== this.structure) this.build(structure, step);
    const wave = waveUnderWay(step);
    const waves = step.targets[step.targets.length - 1].wave;
    step.targets.forEach((target, index) => {
      const row = this.rows[index];
      row.badge.set(target.state);
      row.item.classList.toggle("current", waves > 1 && target.wave === wave);
      setText(row.detail, detailOf(target, this.texts));
    });
  }

  /**
   * @param {string} structure
   * @param {HostStep} step
   */
  build(structure, step) {
    this.structure = structure;
    this.rows = step.targets.map(({ host }) => {
      const badge = new StateBadge(this.texts);
      const detail = h("span", { class: "detail", dir: "auto" });
      const item = h("li", {}, h("b", {}, host), badge.element, detail);
      return { item, badge, detail };
    });
    this.element.dataset.columns = step.targets.length > IN_A_COLUMN ? "2" : "1";
    this.element.replaceChildren(...this.rows.map(({ item }) => item));
  }
}
