// What operators may ask of a step on hosts, and what the page says that it will do. Pure. The server offers and says the
// same without script (livewall/tasks/host_acts.py, handlers/view_models/host_questions.py).

import { hasEnded } from "./states.js";
import { hasFailed, hasHosts, namesText, waveUnderWay } from "./hosts.js";

/** @import { Step, Target } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { HostStep } from "./hosts.js" */

/** @typedef {"pause" | "resume" | "abort"} StepAct */
/** @typedef {"key" | "retry" | "skip"} HostAct */
/** @typedef {{title: string, sentences: string[], yes: string, isDanger: boolean}} Question */

const UNDER_WAY = ["running", "waiting", "retrying"];
/** Fewer hosts than these are all named. */
const RANGE = 4;

/**
 * Whether a step with hosts has begun and not ended, in a task that is not being cancelled.
 * @param {Step} step
 * @param {boolean} cancelling
 * @returns {step is HostStep}
 */
function takesActs(step, cancelling) {
  return !cancelling && hasHosts(step) && UNDER_WAY.includes(step.state);
}

/**
 * Returns what may be asked of a step.
 * @param {Step} step
 * @param {{cancelling: boolean}} task
 * @returns {StepAct[]}
 */
export function stepActs(step, { cancelling }) {
  return takesActs(step, cancelling) ? [step.paused ? "resume" : "pause", "abort"] : [];
}

/**
 * Returns what may be asked of a step on one host.
 * @param {Step} step
 * @param {Target} target
 * @param {{cancelling: boolean}} task
 * @returns {HostAct[]}
 */
export function hostActs(step, { state, fingerprint }, { cancelling }) {
  if (!takesActs(step, cancelling)) return [];
  /** @type {[HostAct, boolean][]} */
  const acts = [
    ["key", state === "waiting" && Boolean(fingerprint)],
    ["retry", state === "retrying" || (hasEnded(state) && state !== "succeeded")],
    ["skip", state !== "succeeded" && state !== "skipped"],
  ];
  return acts.filter(([, makesSense]) => makesSense).map(([act]) => act);
}

/**
 * Returns hosts in words: each by its name, or the first and the last of those that follow one another.
 * @param {Target[]} chosen
 * @param {HostStep} step
 * @param {Texts} texts
 */
export function rangeText(chosen, { targets }, texts) {
  const names = chosen.map((target) => target.host);
  const from = targets.indexOf(chosen[0]);
  const inARow = chosen.every((target, index) => targets[from + index] === target);
  if (names.length < RANGE || !inARow) return namesText(names, texts, RANGE - 1);
  return texts.say("hosts.range", { first: names[0], last: names[names.length - 1], n: names.length });
}

/**
 * Returns a sentence about hosts, or nothing where there are none.
 * @param {string} key
 * @param {Target[]} chosen
 * @param {HostStep} step
 * @param {Texts} texts
 */
function about(key, chosen, step, texts) {
  return chosen.length ? texts.say(key, { hosts: rangeText(chosen, step, texts) }, chosen.length) : "";
}

/**
 * Returns what will happen to a step.
 * @param {StepAct} act
 * @param {HostStep} step
 * @param {Texts} texts
 */
function stepSentences(act, step, texts) {
  const pending = step.targets.filter((target) => target.state === "pending");
  const running = step.targets.filter((target) => target.state === "running" || target.state === "retrying");
  const next = pending.filter((target) => target.wave === waveUnderWay(step));
  if (act === "pause") {
    return [about("control.pause_wait", pending, step, texts) || texts.say("control.pause_nobody"), about("control.pause_run", running, step, texts)];
  }
  if (act === "resume") {
    // The page does not know how many failures the pipeline allows.
    const failed = step.targets.filter(hasFailed);
    return [about("control.resume_failed", failed, step, texts), about("control.resume_next", next, step, texts) || texts.say("control.resume_on")];
  }
  return [
    texts.say("control.abort_means"), about("control.abort_run", running, step, texts), about("control.abort_skip", pending, step, texts),
  ];
}

/**
 * Returns the question that is asked before an act, with what the act will do.
 * @param {StepAct | HostAct} act
 * @param {HostStep} step
 * @param {Target | null} target
 * @param {Texts} texts
 * @returns {Question}
 */
export function questionOf(act, step, target, texts) {
  const host = target ? target.host : "";
  const running = target !== null && target.state === "running";
  const sentences = act === "pause" || act === "resume" || act === "abort" ? stepSentences(act, step, texts)
    : act === "skip" ? [running ? texts.say("control.skip_run", { host }) : "", texts.say("control.skip_means", { host })]
      : [texts.say(`control.${act}_means`, { host })];
  return {
    title: texts.say(`control.${act}_sure`, { step: step.name, host }),
    sentences: sentences.filter(Boolean),
    yes: texts.say(`control.${act}_do`),
    isDanger: act === "abort" || act === "skip",
  };
}
