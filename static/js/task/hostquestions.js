// Asks before an act on a step with hosts what it will do, and sends it.

import { openDialog } from "../ui/dialog.js";
import { h, setText } from "../ui/dom.js";
import { sendCommand } from "./commands.js";
import { hostActs, questionOf, stepActs } from "./hostacts.js";
import { hasHosts } from "./hosts.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Step, Target } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { TaskScene } from "../wall/scene.js" */
/** @import { HostAct, StepAct } from "./hostacts.js" */
/** @import { HostStep } from "./hosts.js" */

/** The command that prints the fingerprint of a host's own key. */
export const CHECK = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub";

export class HostQuestions {
  /** @param {{texts: Texts, env: Environment, page: {task: string}}} context */
  constructor({ texts, env, page }) {
    this.texts = texts;
    this.env = env;
    this.task = page.task;
    /** @type {{act: StepAct | HostAct, step: string, host: string | null, close: () => void} | null} the open question */
    this.open = null;
  }

  /**
   * Closes a question that has no sense any more: the step has ended, or somebody else has answered.
   * @param {TaskScene} scene
   */
  update({ task, steps }) {
    const { open } = this;
    if (!open) return;
    const step = steps.find(({ name }) => name === open.step);
    const cancelling = { cancelling: task.state === "cancelling" };
    const target = hasHosts(step) ? step.targets.find(({ host }) => host === open.host) : undefined;
    /** @type {string[]} */
    const acts = !step ? [] : target ? hostActs(step, target, cancelling) : stepActs(step, cancelling);
    if (!acts.includes(open.act)) open.close();
  }

  /**
   * @param {StepAct | HostAct} act
   * @param {HostStep} step
   * @param {Target | null} target
   */
  ask(act, step, target = null) {
    const { texts } = this;
    const { title, sentences, yes, isDanger } = questionOf(act, step, target, texts);
    const problem = h("p", { class: "wrong", role: "alert", hidden: true });
    /** @type {HTMLButtonElement[]} */
    const buttons = [];
    const button = (/** @type {StepAct | HostAct} */ what, /** @type {string} */ text, /** @type {string} */ kind) => {
      const made = h("button", { type: "button", class: kind, onclick: () => send(what) }, text);
      buttons.push(made);
      return made;
    };
    const send = async (/** @type {StepAct | HostAct} */ what) => {
      for (const each of buttons) each.disabled = true;
      problem.hidden = true;
      const refusal = await this.send(what, step, target);
      for (const each of buttons) each.disabled = false;
      setText(problem, refusal);
      problem.hidden = !refusal;
      if (!refusal) dialog.close();
    };
    const first = button(act, yes, isDanger ? "danger" : "primary");
    const dialog = openDialog({
      title,
      onClose: () => {
        this.open = null;
      },
      parts: [
        ...(act === "key" && target ? keyParts(target, texts) : []),
        ...sentences.map((sentence) => h("p", { dir: "auto" }, sentence)),
        problem,
        h("p", { class: "acts" }, first,
          act === "key" ? button("skip", texts.say("control.skip_do"), "danger") : null,
          h("button", { type: "button", class: "second", autofocus: true, onclick: () => dialog.close() }, texts.say("control.not_now"))),
      ],
    });
    this.open = { act, step: step.name, host: target && target.host, close: dialog.close };
  }

  /**
   * Sends an act. Returns why it was refused, in words.
   * @param {StepAct | HostAct} act
   * @param {Step} step
   * @param {Target | null} target
   */
  async send(act, step, target) {
    const path = `steps/${encodeURIComponent(step.name)}/${target ? `hosts/${encodeURIComponent(target.host)}/${act}` : act}`;
    const body = act === "key" && target ? { fingerprint: target.fingerprint } : {};
    const { refusal } = await sendCommand(this, this.task, path, body);
    return refusal;
  }
}

/**
 * Returns the key that a host has shown, and how to check it.
 * @param {Target} target
 * @param {Texts} texts
 */
export function keyParts({ host, fingerprint = "" }, texts) {
  return [
    h("p", { dir: "auto" }, texts.say("control.key_asks", { host })),
    h("p", { class: "fingerprint" }, h("code", { dir: "ltr" }, fingerprint)),
    h("p", { dir: "auto" }, texts.say("control.key_check")),
    h("p", {}, h("code", { dir: "ltr" }, CHECK)),
    h("p", { dir: "auto" }, texts.say("control.key_wrong")),
  ];
}
