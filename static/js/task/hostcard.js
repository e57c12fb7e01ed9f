// The host whose log is shown: its state, wave, attempt and time, its reason in full, and the acts that make sense for it.

import { h, keepFocus, setText } from "../ui/dom.js";
import { StateBadge } from "./badge.js";
import { hostActs } from "./hostacts.js";
import { detailOf } from "./hosts.js";
import { elapsedText, progressText } from "./timing.js";

/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Target } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { HostAct } from "./hostacts.js" */
/** @import { HostStep } from "./hosts.js" */
/** @import { HostQuestions } from "./hostquestions.js" */

export class HostCard {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, live: LiveStreams, questions: HostQuestions | null}} tools `questions` is null for those who
   *   may not act
   */
  constructor(element, { texts, live, questions }) {
    this.element = element;
    this.texts = texts;
    this.live = live;
    this.questions = questions;
    this.badge = new StateBadge(texts);
    this.facts = h("span", { class: "facts" });
    this.reason = h("span", { class: "why", dir: "auto" });
    this.acts = h("span", { class: "acts" });
    this.shown = "";
    /** @type {{step: HostStep, target: Target} | null} */
    this.host = null;
    element.setAttribute("aria-label", texts.say("hosts.chosen"));
    element.replaceChildren(this.badge.element, this.facts, this.reason, this.acts);
  }

  /**
   * @param {HostStep | null} step
   * @param {Target | null} target
   * @param {{cancelling: boolean}} task
   */
  update(step, target, task) {
    this.element.hidden = !target;
    this.host = step && target ? { step, target } : null;
    if (!step || !target) return;
    this.badge.set(target.state);
    setText(this.reason, detailOf(target, this.texts));
    const acts = this.questions ? hostActs(step, target, task) : [];
    const shown = [target.host, ...acts].join(" ");
    if (shown !== this.shown) {
      this.shown = shown;
      const focused = document.activeElement;
      const held = this.acts.contains(focused) ? focused : null;
      this.acts.replaceChildren(...acts.map((act) => this.button(act)));
      keepFocus(held, () => this.element);
    }
    this.tick();
  }

  /** @param {HostAct} act */
  button(act) {
    const kind = act === "skip" ? "danger" : act === "key" ? "primary" : "";
    return h("button", { type: "button", class: kind || null, onclick: () => {
      if (this.questions && this.host) this.questions.ask(act, this.host.step, this.host.target);
    } }, this.texts.say(`control.${act}`));
  }

  /** Updates the time of what runs. */
  tick() {
    if (!this.host) return;
    const { step, target } = this.host;
    const { texts } = this;
    const waves = step.targets[step.targets.length - 1].wave;
    const facts = [
      waves > 1 ? texts.say("hosts.wave_of", { n: target.wave, of: waves }) : "",
      target.attempt > 1 ? texts.say("task.attempt", { n: target.attempt }) : "",
      progressText(target), elapsedText(target, this.live.clock.now()),
    ];
    setText(this.facts, facts.filter(Boolean).join(" · "));
  }
}
