// The hosts of a step that runs on several: how far they are, which of them matter, and what is said of them. Pure. The
// server says the same without script (livewall/tasks/host_progress.py).

import { hasEnded } from "./states.js";

/** @import { Step, Target } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */

/** The states of hosts, those first that somebody has to look at. */
export const URGENCY = Object.freeze(["failed", "lost", "waiting", "running", "retrying", "pending", "cancelled", "skipped", "succeeded"]);
const URGENT = new Set(URGENCY.slice(0, 5));
const UNDER_WAY = new Set(["running", "waiting", "retrying"]);

/** @typedef {Step & {targets: Target[]}} HostStep */
/**
 * The number of hosts on which the step succeeded, of all; the wave under way or null, of all; who failed, and how many were left out.
 * @typedef {{succeeded: number, total: number, wave: number | null, waves: number, failed: string[], skipped: number}} HostProgress
 */

/**
 * Whether a step runs on hosts.
 * @param {Step | null | undefined} step
 * @returns {step is HostStep}
 */
export function hasHosts(step) {
  return Boolean(step && step.targets && step.targets.length);
}

/** @param {Pick<Target, "state">} target */
export function hasFailed({ state }) {
  return state === "failed" || state === "lost";
}

/**
 * Returns the number of the wave that runs, or would run if the step did not wait; null if there is none.
 * @param {HostStep} step
 */
export function waveUnderWay({ state, targets }) {
  const target = UNDER_WAY.has(state) ? targets.find((each) => !hasEnded(each.state)) : undefined;
  return target ? target.wave : null;
}

/**
 * @param {HostStep} step
 * @returns {HostProgress}
 */
export function progressOf(step) {
  const { targets } = step;
  return {
    succeeded: targets.filter((target) => target.state === "succeeded").length,
    total: targets.length,
    wave: waveUnderWay(step),
    waves: targets[targets.length - 1].wave,
    failed: targets.filter(hasFailed).map((target) => target.host),
    skipped: targets.filter((target) => target.state === "skipped").length,
  };
}

/**
 * Returns how many hosts each wave has.
 * @param {Pick<Target, "wave">[]} targets
 */
export function sizesOfWaves(targets) {
  /** @type {number[]} */
  const sizes = [];
  targets.forEach(({ wave }, index) => {
    if (index === 0 || wave !== targets[index - 1].wave) sizes.push(0);
    sizes[sizes.length - 1] += 1;
  });
  return sizes;
}

/**
 * Returns the hosts with those first that somebody has to look at, otherwise in their order.
 * @param {Target[]} targets
 */
export function urgentFirst(targets) {
  return targets
    .map((target, place) => ({ target, place, rank: URGENCY.indexOf(target.state) }))
    .sort((a, b) => a.rank - b.rank || a.place - b.place)
    .map(({ target }) => target);
}

/**
 * Returns the hosts with those first on which the step failed or that ask for somebody, otherwise in their order: what
 * begins and succeeds moves no row.
 * @param {Target[]} targets
 */
export function failedFirst(targets) {
  const asks = targets.filter((target) => target.state === "waiting");
  const others = targets.filter((target) => !hasFailed(target) && target.state !== "waiting");
  return [...targets.filter(hasFailed), ...asks, ...others];
}

/**
 * Returns the step with hosts that a room wants to see: the one under way, the one that began last, or the first.
 * @param {Step[]} steps
 * @returns {HostStep | null}
 */
export function stepToShow(steps) {
  const fanned = steps.filter(hasHosts);
  const begun = fanned.filter((step) => step.started_at);
  const last = begun.reduce((found, step) => (found && (found.started_at || "") > (step.started_at || "") ? found : step), /** @type {HostStep | null} */ (null));
  return fanned.find((step) => UNDER_WAY.has(step.state)) || last || fanned[0] || null;
}

/**
 * Whether a retry on the failed hosts alone differs from a retry on all: a step succeeded on some of its hosts only.
 * @param {Step[]} steps
 */
export function canRetryByHost(steps) {
  return steps.some((step) => hasHosts(step)
    && step.targets.some((target) => target.state === "succeeded") && step.targets.some((target) => target.state !== "succeeded"));
}

/**
 * Returns the host whose log is worth looking at first.
 * @param {Target[]} targets
 */
export function mostRelevantHost(targets) {
  const [first] = urgentFirst(targets);
  if (URGENT.has(first.state)) return first;
  return targets.reduce((last, target) => ((target.started_at || "") > (last.started_at || "") ? target : last), targets[0]);
}

/**
 * Returns how many hosts are in each state, the most urgent state first.
 * @param {Target[]} targets
 * @returns {[state: string, count: number][]}
 */
export function countsOf(targets) {
  /** @type {[string, number][]} */
  const counts = URGENCY.map((state) => [state, targets.filter((target) => target.state === state).length]);
  return counts.filter(([, count]) => count);
}

/**
 * Returns names as a list of at most `most`, with the number of the others.
 * @param {string[]} names
 * @param {Texts} texts
 * @param {number} most
 */
export function namesText(names, texts, most) {
  const shown = names.length > most ? names.slice(0, Math.max(1, most - 1)) : names;
  const list = shown.reduce((first, next) => texts.say("hosts.list", { first, next }));
  const more = names.length - shown.length;
  return more ? texts.say("hosts.and_more", { hosts: list, n: more }, more) : list;
}

/**
 * Returns names without the domain that all hosts of their step share: "node-07" for "node-07.prod.example.org".
 * @param {string[]} names
 * @param {Pick<Target, "host">[]} targets
 */
export function withoutDomain(names, targets) {
  const ends = (/** @type {string} */ domain) => targets.every(({ host }) => host.length > domain.length && host.endsWith(domain));
  const labels = targets[0].host.split(".");
  const domains = labels.slice(1).map((_, index) => `.${labels.slice(index + 1).join(".")}`);
  const shared = domains.find(ends) || "";
  return names.map((name) => name.slice(0, name.length - shared.length));
}

/**
 * Returns what is said of a step's hosts, in parts: on how many it succeeded ("37 of 200 hosts"), "2 failed: web3, web17",
 * "wave 2 of 3", "1 skipped".
 * @param {HostProgress} progress
 * @param {Texts} texts
 * @param {number} names at most so many hosts are named
 */
export function progressParts({ succeeded, total, wave, waves, failed, skipped }, texts, names = 3) {
  return [
    texts.say("hosts.done", { n: succeeded, of: total }, total),
    failed.length ? texts.say("hosts.failed", { n: failed.length, hosts: namesText(failed, texts, names) }) : "",
    wave !== null && waves > 1 ? texts.say("hosts.wave_of", { n: wave, of: waves }) : "",
    skipped ? texts.say("task.of_state", { n: skipped, state: texts.say("state.skipped") }) : "",
  ].filter(Boolean);
}

/**
 * Returns why a target is in its state, or what it is doing.
 * @param {Target} target
 * @param {Texts} texts
 */
export function detailOf({ message, reason, fingerprint }, texts) {
  if (fingerprint) return texts.say("hosts.asks_key");
  return message || reason || "";
}

/**
 * Returns a host in words, as a screen reader says it: "web3, failed, wave 2, exit status 1".
 * @param {Target} target
 * @param {number} waves
 * @param {Texts} texts
 */
export function hostText(target, waves, texts) {
  const wave = waves > 1 ? texts.say("hosts.wave", { n: target.wave }) : "";
  return [target.host, texts.say(`state.${target.state}`), wave, detailOf(target, texts)].filter(Boolean).join(", ");
}

/**
 * Returns the name of a log: that of a step, or STEP@HOST.
 * @param {string} step
 * @param {string | null} host
 */
export function unitOf(step, host) {
  return host === null ? step : `${step}@${host}`;
}

/**
 * Returns the step of a log and its host, if it is that of a host.
 * @param {string} unit
 * @returns {{step: string, host: string | null}}
 */
export function partsOf(unit) {
  const at = unit.indexOf("@");
  return at < 0 ? { step: unit, host: null } : { step: unit.slice(0, at), host: unit.slice(at + 1) };
}

/**
 * Returns whose log is shown, as the log of a step is: the step, or its target on a host.
 * @param {Step} step
 * @param {string | null} host
 * @returns {Step}
 */
export function logSubject(step, host) {
  const target = host !== null && hasHosts(step) ? step.targets.find((each) => each.host === host) : undefined;
  return target ? { ...target, name: unitOf(step.name, host) } : step;
}
