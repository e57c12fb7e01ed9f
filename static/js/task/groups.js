// Which tasks stand in which group of the list, in which order, and which of them a filter keeps. Pure.

import { hasEnded } from "./states.js";

export const GROUPS = ["running", "waiting", "ended"];

/** The group of a state: what runs, what waits, what ended. */
export function groupOf({ state }) {
  if (hasEnded(state)) return "ended";
  return state === "pending" || state === "waiting" ? "waiting" : "running";
}

/** Whether a filter keeps a task, as the server's list would. */
export function fits(task, { state = "", q = "" }) {
  if (state && task.state !== state) return false;
  return !q || task.title.toLowerCase().includes(q.toLowerCase()) || task.id === q || task.pipeline === q;
}

/** What runs and waits in the order in which it was made, what ended with the newest first. */
function before(group, a, b) {
  const [left, right] = group === "ended" ? [b.ended_at || "", a.ended_at || ""] : [a.created_at, b.created_at];
  if (left !== right) return left < right ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

/** {running: [task], waiting: […], ended: […]} of those that a filter keeps. */
export function grouped(tasks, filter) {
  const groups = Object.fromEntries(GROUPS.map((group) => [group, []]));
  for (const task of tasks) if (fits(task, filter)) groups[groupOf(task)].push(task);
  for (const group of GROUPS) groups[group].sort((a, b) => before(group, a, b));
  return groups;
}

/** The tasks a stream holds and the older ones that were fetched; the stream knows better. */
export function together(values, older) {
  const live = Object.entries(values).filter(([key]) => key.startsWith("task/")).map(([, task]) => task);
  const known = new Set(live.map((task) => task.id));
  return [...live, ...[...older.values()].filter((task) => !known.has(task.id))];
}
