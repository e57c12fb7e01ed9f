// The hosts that have shown a key which nobody has confirmed: one at a time, with its fingerprint, for operators with the
// buttons that ask.

import { h } from "../ui/dom.js";
import { hostActs } from "./hostacts.js";
import { hasHosts } from "./hosts.js";
import { keyParts } from "./hostquestions.js";

/** @import { Step, Target } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { TaskScene } from "../wall/scene.js" */
/** @import { HostStep } from "./hosts.js" */
/** @import { HostQuestions } from "./hostquestions.js" */

/** So many ask at once; the others take their turn. */
const MOST = 1;

/**
 * Returns the hosts that wait for their key to be confirmed.
 * @param {Step[]} steps
 * @returns {{step: HostStep, target: Target}[]}
 */
export function askingHosts(steps) {
  return steps.flatMap((step) => (hasHosts(step)
    ? step.targets.filter((target) => hostActs(step, target, { cancelling: false }).includes("key")).map((target) => ({ step, target })) : []));
}

export class HostKeys {
  /**
   * @param {HTMLElement} root
   * @param {{texts: Texts, questions: HostQuestions | null}} tools
   */
  constructor(root, { texts, questions }) {
    this.root = root;
    this.texts = texts;
    this.questions = questions;
    this.shown = "";
    root.replaceChildren(); // the forms of the page without script
    root.hidden = true;
  }

  /** @param {TaskScene} scene */
  update({ task, steps }) {
    const asking = task.state === "cancelling" ? [] : askingHosts(steps);
    const shown = JSON.stringify(asking.map(({ step, target }) => [step.name, target.host, target.fingerprint]));
    if (shown === this.shown) return;
    this.shown = shown;
    this.root.hidden = asking.length === 0;
    const more = asking.length - MOST;
    this.root.replaceChildren(
      ...asking.slice(0, MOST).map(({ step, target }) => this.entry(step, target)),
      ...(more > 0 ? [h("p", { class: "quiet" }, this.texts.say("control.key_more", { n: more }, more))] : []));
  }

  /**
   * @param {HostStep} step
   * @param {Target} target
   */
  entry(step, target) {
    const { texts, questions } = this;
    const [, fingerprint] = keyParts(target, texts);
    return h("div", { class: "gate hostkey" },
      h("div", { class: "what" }, h("p", { dir: "auto" }, h("b", {}, step.name), ": ", texts.say("control.key_asks", { host: target.host })), fingerprint),
      questions ? h("p", { class: "acts" },
        h("button", { type: "button", class: "primary", onclick: () => questions.ask("key", step, target) }, texts.say("control.key")),
        h("button", { type: "button", class: "danger", onclick: () => questions.ask("skip", step, target) }, texts.say("control.skip"))) : null);
  }
}
