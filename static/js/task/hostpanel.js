// The hosts of one step: how far they are, a map and a list of them, and what operators may ask of the step.

import { h, keepFocus, setText } from "../ui/dom.js";
import { StateBadge } from "./badge.js";
import { stepActs } from "./hostacts.js";
import { HostList } from "./hostlist.js";
import { HostMap } from "./hostmap.js";
import { countsOf, progressOf, progressParts } from "./hosts.js";
import { saidOf } from "./stepwords.js";

/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { StepAct } from "./hostacts.js" */
/** @import { HostStep } from "./hosts.js" */
/** @import { HostQuestions } from "./hostquestions.js" */

export class HostPanel {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, live: LiveStreams, questions: HostQuestions | null}} tools `questions` is null for those who
   *   may not act
   */
  constructor(element, { texts, live, questions }) {
    this.element = element;
    this.texts = texts;
    this.questions = questions;
    this.map = new HostMap({ texts });
    this.list = new HostList({ texts, live });
    this.badge = new StateBadge(texts);
    this.parts = {
      title: h("h2", { dir: "auto" }), sum: h("p", { class: "quiet", dir: "auto" }),
      acts: h("p", { class: "acts" }), filter: this.makeFilter(), first: this.makeFailedFirst(),
    };
    /** @type {HostStep | null} */
    this.step = null;
    this.structure = "";
    this.shownActs = "";
    const { title, sum, acts, filter, first } = this.parts;
    element.replaceChildren(
      h("div", { class: "hosthead" }, title, this.badge.element, sum, acts), this.map.element,
      h("div", { class: "hosttools" }, h("label", {}, texts.say("hosts.show"), " ", filter), first),
      this.list.element, this.list.empty);
  }

  makeFilter() {
    const filter = h("select", { onchange: () => {
      this.list.filter = filter.value;
      this.list.arrange();
    } });
    return filter;
  }

  makeFailedFirst() {
    const button = h("button", { type: "button", "aria-pressed": "true", onclick: () => {
      this.list.isFailedFirst = !this.list.isFailedFirst;
      button.setAttribute("aria-pressed", String(this.list.isFailedFirst));
      this.list.arrange();
    } }, this.texts.say("hosts.urgent_first"));
    return button;
  }

  /**
   * @param {HostStep} step
   * @param {string | null} host the one whose log is shown
   * @param {{cancelling: boolean}} task
   */
  update(step, host, task) {
    const structure = JSON.stringify([step.name, step.targets.map((target) => [target.host, target.wave])]);
    if (structure !== this.structure) {
      this.structure = structure;
      this.map.build(step);
      this.list.build(step);
      this.map.chosen = this.list.chosen = null;
      this.list.filter = "";
    }
    this.step = step;
    this.badge.set(step.state);
    setText(this.parts.title, step.name);
    const parts = progressParts(progressOf(step), this.texts, 4);
    setText(this.parts.sum, [...parts, saidOf(step, this.texts)].filter(Boolean).join(" · "));
    this.drawActs(stepActs(step, task));
    this.drawFilter(step);
    this.map.update(step);
    this.list.update(step);
    this.map.choose(host);
    this.list.choose(host);
  }

  /** @param {StepAct[]} acts */
  drawActs(acts) {
    const shown = this.questions ? acts.join(" ") : "";
    if (shown === this.shownActs) return;
    this.shownActs = shown;
    const focused = document.activeElement;
    const held = this.parts.acts.contains(focused) ? focused : null;
    this.parts.acts.replaceChildren(...(this.questions ? acts : []).map((act) =>
      h("button", { type: "button", class: act === "abort" ? "danger" : null, onclick: () => {
        if (this.questions && this.step) this.questions.ask(act, this.step);
      } }, this.texts.say(`control.${act}`))));
    keepFocus(held, () => this.parts.title);
  }

  /**
   * Shows how many hosts are in each state. The state that is chosen stays, even if no host is in it any more.
   * @param {HostStep} step
   */
  drawFilter({ targets }) {
    const { filter } = this.parts;
    const { texts, list } = this;
    const counts = countsOf(targets);
    if (list.filter && !counts.some(([state]) => state === list.filter)) counts.push([list.filter, 0]);
    /** @type {[string, string][]} */
    const wanted = [["", `${texts.say("hosts.all")} (${targets.length})`], ...counts.map(([state, count]) =>
      /** @type {[string, string]} */ ([state, `${texts.say(`state.${state}`)} (${count})`]))];
    const values = [...filter.options].map((option) => option.value).join(" ");
    if (values !== wanted.map(([value]) => value).join(" ")) {
      filter.replaceChildren(...wanted.map(([value]) => h("option", { value })));
      filter.value = list.filter;
    }
    wanted.forEach(([, text], index) => setText(filter.options[index], text));
  }

  tick() {
    this.list.tick();
  }
}
