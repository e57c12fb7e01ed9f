// The gates of a task that wait for a decision, with buttons for those who may make it.

import { openDialog } from "../ui/dialog.js";
import { h, setText } from "../ui/dom.js";
import { formatShortTimestamp } from "../ui/timestamps.js";
import { sendCommand } from "./commands.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Step } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { TaskScene } from "../wall/scene.js" */

/** @typedef {"approve" | "reject"} Decision */

/**
 * Returns the steps that wait for people.
 * @param {Step[]} steps
 */
export function waitingGates(steps) {
  return steps.filter((step) => step.state === "waiting" && step.waits_for && step.waits_for.kind === "approval");
}

/**
 * Returns whether somebody with these names and roles is among the approvers.
 * @param {string[]} approvers names, and role:ROLE
 * @param {string[]} me the reader's name, and role:ROLE
 */
export function mayDecide(approvers, me) {
  return approvers.some((approver) => me.includes(approver));
}

/**
 * Returns the approvers in words.
 * @param {string[]} approvers
 * @param {Texts} texts
 */
export function approversText(approvers, texts) {
  const people = approvers.map((approver) =>
    approver.startsWith("role:") ? texts.say("gate.role", { role: approver.slice(5) }) : approver);
  const last = people.pop() || "";
  return people.length > 0 ? texts.say("gate.or", { first: people.join(texts.say("gate.comma")), last }) : last;
}

export class GatePanel {
  /**
   * @param {HTMLElement} root
   * @param {{texts: Texts, env: Environment, live: LiveStreams, page: {task: string, me: string[]}}} context
   */
  constructor(root, { texts, env, live, page }) {
    this.root = root;
    this.texts = texts;
    this.env = env;
    this.live = live;
    this.task = page.task;
    this.me = page.me;
    this.shown = "";
    root.replaceChildren(); // the forms of the page without script
  }

  /** @param {TaskScene} scene */
  update({ steps }) {
    const gates = waitingGates(steps);
    const shown = JSON.stringify(gates.map((step) => [step.name, step.waits_for]));
    if (shown === this.shown) return;
    this.shown = shown;
    this.root.replaceChildren(...gates.map((step) => this.entry(step)));
    this.root.hidden = gates.length === 0;
  }

  /** @param {Step} step */
  entry(step) {
    const { approvers = [], until } = step.waits_for || {};
    const { texts } = this;
    const time = until ? formatShortTimestamp(until, this.live.clock.now()) : "";
    const button = (/** @type {Decision} */ decision) =>
      h("button", { type: "button", class: decision === "reject" ? "danger" : "primary", onclick: () => this.ask(step, decision) },
        texts.say(`gate.${decision}`));
    return h("div", { class: "gate" },
      h("p", { dir: "auto" }, h("b", {}, step.name), ": ", texts.say("gate.waits", { who: approversText(approvers, texts) }),
        time ? h("span", { class: "quiet" }, " ", texts.say("gate.until", { time })) : null),
      mayDecide(approvers, this.me) ? h("p", { class: "acts" }, button("approve"), button("reject")) : null);
  }

  /**
   * Asks what the decision will do, and for a comment.
   * @param {Step} step
   * @param {Decision} decision
   */
  ask(step, decision) {
    const { texts } = this;
    const comment = h("input", { name: "comment", maxlength: "500", autocomplete: "off", dir: "auto" });
    // The same `ref` for a second press, so that a decision whose answer was lost is made once.
    const ref = String(this.env.random()).slice(2);
    const problem = h("p", { class: "wrong", role: "alert", hidden: true });
    const yes = h("button", { type: "submit", class: decision === "reject" ? "danger" : "primary" }, texts.say(`gate.${decision}_do`));
    const send = async (/** @type {Event} */ event) => {
      event.preventDefault();
      yes.disabled = true;
      const body = { decision, comment: comment.value.trim(), ref };
      const { refusal } = await sendCommand(this, this.task, `steps/${encodeURIComponent(step.name)}/decide`, body);
      yes.disabled = false;
      setText(problem, refusal);
      problem.hidden = !refusal;
      if (!refusal) dialog.close();
    };
    const dialog = openDialog({
      title: texts.say(`gate.${decision}_sure`, { step: step.name }),
      parts: h("form", { onsubmit: send },
        h("p", {}, texts.say(`gate.${decision}_means`)),
        h("label", { class: "field" }, texts.say("gate.comment"), comment),
        problem,
        h("p", { class: "acts" }, yes,
          h("button", { type: "button", class: "second", onclick: () => dialog.close() }, texts.say("gate.later")))),
    });
    comment.focus();
  }
}
