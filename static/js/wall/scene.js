// What a page is to show, worked out from the streams it follows: a lobby, a poll, a task, or that nothing can be read.
// Pure.

import { sortSteps } from "../task/order.js";

/** @import { StreamState } from "../net/state.js" */
/** @import { Poll, Step, Stream, Tally, Task, Turnout, Wall } from "../net/wire.d.ts" */

/** @typedef {{wall?: Wall}} OnWall the wall whose active item is shown */
/** @typedef {OnWall & {kind: "waiting", stream?: Stream}} WaitingScene the stream has not arrived yet */
/** @typedef {OnWall & {kind: "lobby", stream: Stream | null, poll: Poll | null}} LobbyScene no item, or a draft */
/**
 * `revealing`: the tally is held back until the moment at which all pages show it.
 * @typedef {OnWall & {kind: "poll", stream: Stream, poll: Poll, tally: Tally | null, turnout: Turnout | null,
 *   revealing?: boolean}} PollScene
 */
/** @typedef {OnWall & {kind: "task", stream: Stream, task: Task, steps: Step[]}} TaskScene */
/** @typedef {OnWall & {kind: "gone", stream?: Stream, code?: string}} GoneScene */
/** @typedef {WaitingScene | LobbyScene | PollScene | TaskScene | GoneScene} Scene */

/**
 * What a page is about, from the data that the server put into it: one item, or the wall whose active item it shows.
 * `log` is a further stream, and so are `polls`, which decide gates.
 * @typedef {{stream?: Stream, wallStream?: Stream, log?: Stream, polls?: Stream[]}} Subject
 */

/** @typedef {(stream: Stream) => StreamState} StateOf */

/**
 * Returns the scene of one item.
 * @param {Stream} stream
 * @param {StreamState} state
 * @param {string[]} order the names of a task's steps in the order of its definition, where it is known
 * @returns {Scene}
 */
export function itemScene(stream, { values, ready, error }, order = []) {
  if (error) return { kind: "gone", stream, code: error.code };
  if (!ready) return { kind: "waiting", stream };
  if (stream.startsWith("tasks/")) {
    if (!values.task) return { kind: "gone", stream };
    const steps = Object.entries(values).filter(([key]) => key.startsWith("step/")).map(([, step]) => step);
    return { kind: "task", stream, task: values.task, steps: sortSteps(steps, order) };
  }
  const { poll, tally, turnout } = values;
  if (!poll || poll.phase === "draft") return { kind: "lobby", stream, poll: poll || null };
  return { kind: "poll", stream, poll, tally: tally || null, turnout: turnout || null };
}

/**
 * Returns the scene of a page.
 * @param {Subject} page
 * @param {StateOf} stateOf
 * @param {string[]} order
 * @returns {Scene}
 */
export function pageScene(page, stateOf, order = []) {
  if (!page.wallStream) return page.stream ? itemScene(page.stream, stateOf(page.stream), order) : { kind: "gone" };
  const { values, ready, error } = stateOf(page.wallStream);
  if (error) return { kind: "gone", code: error.code };
  if (!ready) return { kind: "waiting" };
  const { wall } = values;
  if (!wall) return { kind: "gone" };
  if (!wall.active) return { kind: "lobby", wall, poll: null, stream: null };
  return { wall, ...itemScene(wall.active, stateOf(wall.active), order) };
}

/**
 * Returns the streams that a page needs now: its item with its log and polls, or its wall and the active item.
 * @param {Subject} page
 * @param {StateOf} stateOf
 * @returns {Stream[]}
 */
export function neededStreams(page, stateOf) {
  if (!page.wallStream) return [page.stream, page.log, ...(page.polls || [])].filter((stream) => stream !== undefined);
  const { wall } = stateOf(page.wallStream).values;
  return wall && wall.active ? [page.wallStream, wall.active] : [page.wallStream];
}
