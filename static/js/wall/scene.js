// What a page is to show, worked out from the streams it follows: a lobby, a poll, a task,
// questions, a room, or that nothing can be read.
// Pure.

import { gatePolls } from "../task/gatesteps.js";
import { sortSteps } from "../task/order.js";

/** @import { StreamState } from "../net/state.js" */
/** @import { Poll, Step, Stream, Tally, Task, Turnout, Wall } from "../net/wire.d.ts" */

/** @typedef {{wall?: Wall}} OnWall the wall whose active item is shown */
/** @typedef {OnWall & {kind: "waiting", stream?: Stream}} WaitingScene the stream has not arrived yet */
/**
 * No item, or a draft. `beside` is what the wall shows instead of a vote: its questions, or a room.
 * @typedef {OnWall & {kind: "lobby", stream: Stream | null, poll: Poll | null, beside?: Stream}} LobbyScene
 */
/**
 * `revealing`: the tally is held back until the moment at which all pages show it.
 * @typedef {OnWall & {kind: "poll", stream: Stream, poll: Poll, tally: Tally | null, turnout: Turnout | null,
 *   revealing?: boolean}} PollScene
 */
/** @typedef {OnWall & {kind: "task", stream: Stream, task: Task, steps: Step[]}} TaskScene */
/** @typedef {OnWall & {kind: "questions", stream: Stream, values: StreamState["values"]}} QuestionsScene */
/** @typedef {OnWall & {kind: "room", stream: Stream, room: {title: string}, values: StreamState["values"]}} RoomScene */
/** @typedef {OnWall & {kind: "gone", stream?: Stream, code?: string}} GoneScene */
/** @typedef {WaitingScene | LobbyScene | PollScene | TaskScene | QuestionsScene | RoomScene | GoneScene} Scene */

/**
 * What a page is about, from the data that the server put into it: one item, or the wall whose active item it shows.
 * `log` is a further stream; `posters` says that questions and rooms are shown as well.
 * @typedef {{stream?: Stream, wallStream?: Stream, log?: Stream, posters?: boolean}} Subject
 */

/** @typedef {(stream: Stream) => StreamState} StateOf */

/**
 * Whether an item of a wall is not one of its votes or tasks: the questions, or a room.
 * @param {Stream | null | undefined} item
 */
export function isBeside(item) {
  return Boolean(item) && !/^(?:polls|tasks)\//.test(item || "");
}

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
    return { kind: "task", stream, task: values.task, steps: sortSteps(stepsOf(values), order) };
  }
  if (stream.startsWith("questions/")) return values.questions ? { kind: "questions", stream, values } : { kind: "gone", stream };
  if (stream.startsWith("rooms/")) return values.room ? { kind: "room", stream, room: values.room, values } : { kind: "gone", stream };
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
  if (!page.posters && isBeside(wall.active)) return { kind: "lobby", wall, poll: null, stream: null, beside: wall.active };
  return { wall, ...itemScene(wall.active, stateOf(wall.active), order) };
}

/**
 * Returns the steps of a task, in the order in which they changed.
 * @param {StreamState["values"]} values
 * @returns {Step[]}
 */
function stepsOf(values) {
  return Object.entries(values).filter(([key]) => key.startsWith("step/")).map(([, step]) => step);
}

/**
 * Returns the streams that a page needs now: its item and its log, or its wall and the active item; with `gates` also
 * the polls that decide the gates of a task, or what follows its failure.
 * @param {Subject} page
 * @param {StateOf} stateOf
 * @param {boolean} gates
 * @returns {Stream[]}
 */
export function neededStreams(page, stateOf, gates = false) {
  const { wall } = page.wallStream ? stateOf(page.wallStream).values : {};
  const active = wall && (page.posters || !isBeside(wall.active)) ? wall.active : null;
  const item = page.wallStream ? active : page.stream;
  const values = gates && item && item.startsWith("tasks/") ? stateOf(item).values : {};
  const polls = gatePolls(stepsOf(values), values.task);
  return [page.wallStream, item, page.wallStream ? undefined : page.log, ...polls].filter((stream) => Boolean(stream));
}
