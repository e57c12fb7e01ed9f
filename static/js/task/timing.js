// How long a task or a step took, and how long it is expected to take. Pure: the time is an argument, in milliseconds
// since 1970.

import { formatDuration } from "../ui/duration.js";
import { hasEnded } from "./states.js";

/** @import { Step, Timed } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */

/**
 * Returns the milliseconds since the start, up to the end; null for what has not started.
 * @param {Pick<Timed, "started_at" | "ended_at">} timed
 * @param {number} now
 */
export function elapsed({ started_at: from, ended_at: to }, now) {
  if (!from) return null;
  return Math.max(0, (to ? Date.parse(to) : now) - Date.parse(from));
}

/**
 * @param {Pick<Timed, "started_at" | "ended_at">} timed
 * @param {number} now
 */
export function elapsedText(timed, now) {
  const time = elapsed(timed, now);
  return time === null ? "" : formatDuration(time);
}

/**
 * Returns what can be said about the end: that it has come, the time left, the time by which it is overdue, or nothing.
 * @param {Pick<Timed, "state" | "eta">} timed
 * @param {number} now
 * @returns {{kind: "ended" | "none" | "left" | "overdue", time: number}}
 */
export function forecast({ state, eta }, now) {
  if (hasEnded(state)) return { kind: "ended", time: 0 };
  if (!eta) return { kind: "none", time: 0 };
  const left = Date.parse(eta) - now;
  return left < 0 ? { kind: "overdue", time: -left } : { kind: "left", time: left };
}

/**
 * Returns how far a step is, between 0 and 1: as it reports itself, else its time as a share of what it usually takes.
 * An estimate never reaches the end.
 * @param {Pick<Step, "state" | "progress" | "eta" | "started_at" | "ended_at">} step
 * @param {number} now
 */
export function progressShare(step, now) {
  if (hasEnded(step.state)) return 0;
  if (typeof step.progress === "number") return Math.max(0, Math.min(1, step.progress));
  if (!step.eta || !step.started_at) return 0;
  const expected = Date.parse(step.eta) - Date.parse(step.started_at);
  return expected > 0 ? Math.min(0.97, (elapsed(step, now) || 0) / expected) : 0;
}

/**
 * Returns the progress that a step has reported as a text, empty for what has reported none or has ended. It is rounded
 * down: "100%" is all of it.
 * @param {Pick<Step, "state" | "progress">} step
 */
export function progressText({ state, progress }) {
  return typeof progress === "number" && !hasEnded(state) ? `${Math.floor(progress * 100)}%` : "";
}

/**
 * Returns the forecast as a text, empty for what has ended.
 * @param {Pick<Timed, "state" | "eta">} timed
 * @param {number} now
 * @param {Texts} texts
 */
export function forecastText(timed, now, texts) {
  const { kind, time } = forecast(timed, now);
  if (kind === "ended") return "";
  if (kind === "none") return texts.say("task.no_estimate");
  return texts.say(kind === "left" ? "task.left" : "task.overdue", { time: formatDuration(time) });
}
