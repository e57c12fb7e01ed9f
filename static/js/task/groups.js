// Which tasks stand in which group of the list, in which order, and which of them a filter keeps. Pure.

import { hasEnded } from "./states.js";

/** @import { Task } from "../net/wire.d.ts" */

/** @typedef {"running" | "waiting" | "ended"} Group */
/** @typedef {{state?: string, q?: string}} Filter a state, and a text as it is searched for */

/** @type {readonly Group[]} */
export const GROUPS = Object.freeze(["running", "waiting", "ended"]);

/**
 * @param {{state: string}} task
 * @returns {Group}
 */
export function groupOf({ state }) {
  if (hasEnded(state)) return "ended";
  return state === "pending" || state === "waiting" ? "waiting" : "running";
}

/**
 * Whether a filter keeps a task, by the rules of the server's list.
 * @param {Task} task
 * @param {Filter} filter
 */
export function matchesFilter(task, { state = "", q = "" }) {
  if (state && task.state !== state) return false;
  return !q || task.title.toLowerCase().includes(q.toLowerCase()) || task.id === q || task.pipeline === q;
}

/**
 * Orders running and waiting tasks by the time they were created, and ended ones with the newest first.
 * @param {Group} group
 * @param {Task} a
 * @param {Task} b
 */
function compareTasks(group, a, b) {
  const [left, right] = group === "ended" ? [b.ended_at || "", a.ended_at || ""] : [a.created_at, b.created_at];
  if (left !== right) return left < right ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

/**
 * Returns the tasks of each group that a filter keeps.
 * @param {Task[]} tasks
 * @param {Filter} filter
 */
export function groupTasks(tasks, filter) {
  /** @type {Record<Group, Task[]>} */
  const groups = { running: [], waiting: [], ended: [] };
  for (const task of tasks) if (matchesFilter(task, filter)) groups[groupOf(task)].push(task);
  for (const group of GROUPS) groups[group].sort((a, b) => compareTasks(group, a, b));
  return groups;
}

/**
 * Returns the tasks of the stream, and of those that were fetched the ones that the stream does not have: what it has is
 * newer.
 * @param {Readonly<Record<string, any>>} values the state of the stream
 * @param {Map<string, Task>} fetched
 * @returns {Task[]}
 */
export function mergeTasks(values, fetched) {
  const live = Object.entries(values).filter(([key]) => key.startsWith("task/")).map(([, task]) => task);
  const ids = new Set(live.map((task) => task.id));
  return [...live, ...[...fetched.values()].filter((task) => !ids.has(task.id))];
}
