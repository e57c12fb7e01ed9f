// What a step waits for and what it does, in the reader's language. Pure. The server says the same without script
// (handlers/view_models/step_words.py).

import { approversText } from "./gatesteps.js";
import { hasFailed } from "./hosts.js";

/** @import { Step, Task } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */

/** In the message of a paused step, which is in English, the one who paused it. */
const BY = /^(?:paused by (.+)|(.+) pauses it)$/;

/**
 * Returns what a step that waits or is paused waits for; an empty text for any other.
 * @param {Step} step
 * @param {Texts} texts
 */
export function waitText({ state, paused, message, waits_for: wait }, texts) {
  if (paused) {
    const [, after = "", before = ""] = BY.exec(message || "") || [];
    const name = after || before;
    const isOver = state === "waiting";
    if (!name) return texts.say(isOver ? "hosts.paused" : "hosts.pausing");
    return texts.say(isOver ? "hosts.paused_by" : "hosts.pausing_by", { name });
  }
  if (state !== "waiting" || !wait) return "";
  if (wait.kind === "host_key") return texts.say("hosts.asks_key_of", { host: wait.host || "" });
  if (wait.kind === "poll") return texts.say("task.waits_poll");
  // The audience is not told who they are.
  return texts.has("gate.waits") ? texts.say("gate.waits", { who: approversText(wait.approvers, texts) }) : texts.say("task.waits_decision");
}

/**
 * Returns how many steps succeeded, and how many failed or were skipped: "3 of 5 steps · 1 failed · 1 skipped".
 * @param {Step[]} steps
 * @param {Texts} texts
 */
export function stepsText(steps, texts) {
  const count = (/** @type {(step: Step) => boolean} */ isOne) => steps.filter(isOne).length;
  const ofState = (/** @type {string} */ state, /** @type {number} */ n) => (n ? texts.say("task.of_state", { n, state: texts.say(`state.${state}`) }) : "");
  return [
    texts.say("task.done", { n: count((step) => step.state === "succeeded"), of: steps.length }),
    ofState("failed", count(hasFailed)),
    ofState("skipped", count((step) => step.state === "skipped")),
  ].filter(Boolean).join(" · ");
}

/**
 * Returns what a step is doing or waits for, or why it ended. What its program says is in the program's language.
 * @param {Step} step
 * @param {Texts} texts
 */
export function saidOf(step, texts) {
  return waitText(step, texts) || step.message || step.reason || "";
}

/**
 * Returns why a task is in its state: what the first of its steps that waits waits for, or its own reason.
 * @param {Task} task
 * @param {Step[]} steps
 * @param {Texts} texts
 */
export function reasonOf(task, steps, texts) {
  const step = task.state === "waiting" ? steps.find((each) => each.state === "waiting") : undefined;
  const text = step ? waitText(step, texts) : "";
  return step && text && task.reason ? `${step.name}: ${text}` : task.reason || "";
}
