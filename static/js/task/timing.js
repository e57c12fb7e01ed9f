// How long something took, and how long it is expected to take still. Pure: the time is an argument.

import { clockFace } from "../net/clock.js";
import { hasEnded } from "./states.js";

/** Milliseconds since the start, up to the end; null for what has not started. */
export function spent({ started_at: from, ended_at: to }, now) {
  if (!from) return null;
  return Math.max(0, (to ? Date.parse(to) : now) - Date.parse(from));
}

export function elapsed(what, now) {
  const time = spent(what, now);
  return time === null ? "" : clockFace(time);
}

/** {kind: "ended" | "none" | "left" | "overdue", time}: what may be said of the end. */
export function forecast({ state, eta }, now) {
  if (hasEnded(state)) return { kind: "ended", time: 0 };
  if (!eta) return { kind: "none", time: 0 };
  const left = Date.parse(eta) - now;
  return left < 0 ? { kind: "overdue", time: -left } : { kind: "left", time: left };
}

/** How far a step is: as it says itself, else by its time against what it usually takes, which is never all of it. */
export function shareOf(step, now) {
  if (hasEnded(step.state)) return 0;
  if (typeof step.progress === "number") return Math.max(0, Math.min(1, step.progress));
  if (!step.eta || !step.started_at) return 0;
  const whole = Date.parse(step.eta) - Date.parse(step.started_at);
  return whole > 0 ? Math.min(0.97, spent(step, now) / whole) : 0;
}

/** The forecast in words: nothing for what has ended. */
export function expected(what, now, texts) {
  const { kind, time } = forecast(what, now);
  if (kind === "ended") return "";
  if (kind === "none") return texts.say("task.no_estimate");
  return texts.say(kind === "left" ? "task.left" : "task.overdue", { time: clockFace(time) });
}
