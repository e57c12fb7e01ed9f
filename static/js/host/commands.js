// The commands of a host, as calls of the API. Pure.

import { isPublic } from "../poll/tally.js";

/** @import { Poll, Stream, Wall } from "../net/wire.d.ts" */

/**
 * @typedef {object} Call
 * @property {string} method
 * @property {string} path
 * @property {object} [body]
 */

/**
 * What a command does to a poll or wall as the host sees it: the calls to make, and the fields as they are to be
 * afterwards.
 * @typedef {{calls: Call[], wants: Record<string, unknown>}} Plan
 */

/** @typedef {any} Value a poll or a wall */
/** @typedef {(value: Value) => Plan | null} Command returns null if there is nothing to do */

const post = (/** @type {string} */ path, body = {}) => ({ method: "POST", path, body });
const put = (/** @type {string} */ path, /** @type {object} */ body) => ({ method: "PUT", path, body });
const drop = (/** @type {string} */ path) => ({ method: "DELETE", path, body: {} });
const pollPath = (/** @type {Poll} */ poll) => `/api/polls/${encodeURIComponent(poll.id)}`;
const wallPath = (/** @type {Wall} */ wall) => `/api/walls/${encodeURIComponent(wall.code)}`;

/**
 * @param {Poll} poll
 * @returns {Plan | null}
 */
function open(poll) {
  if (poll.phase === "open" || poll.erased_at) return null;
  return { calls: [post(`${pollPath(poll)}/open`)], wants: { phase: "open" } };
}

/**
 * @param {Poll} poll
 * @returns {Plan | null}
 */
function close(poll) {
  return poll.phase === "open" ? { calls: [post(`${pollPath(poll)}/close`)], wants: { phase: "closed" } } : null;
}

/**
 * Begins a new round, unless somebody has done so already.
 * @param {number} round the round that the host sees
 * @returns {(poll: Poll) => Plan | null}
 */
function reset(round) {
  return (poll) => {
    if (poll.round !== round) return null;
    return { calls: [post(`${pollPath(poll)}/reset`, { round })], wants: { round: round + 1 } };
  };
}

/**
 * @param {Poll} poll
 * @returns {Plan}
 */
function archive(poll) {
  return { calls: [drop(pollPath(poll))], wants: {} };
}

/**
 * Erases the ballots and keeps the counts.
 * @param {Poll} poll
 * @returns {Plan | null}
 */
function erase(poll) {
  return poll.erased_at ? null : { calls: [drop(`${pollPath(poll)}/ballots`)], wants: {} };
}

/**
 * Changes when an open poll closes: `left` seconds from now, `add` seconds later, or never for `left` null.
 * @param {{left?: number | null, add?: number}} change
 * @returns {(poll: Poll) => Plan | null}
 */
function timer(change) {
  return (poll) => {
    if (poll.phase !== "open") return null;
    return { calls: [post(`${pollPath(poll)}/timer`, change)], wants: change.left === null ? { closes_at: null } : {} };
  };
}

/**
 * Whether everybody sees the tally, or will as soon as the poll is open.
 * @param {Poll} poll
 */
export function isResultShown(poll) {
  return poll.phase === "draft" ? poll.results === "live" : isPublic(poll);
}

/**
 * Shows the result to everybody, or hides it until it is shown again.
 * @param {boolean} visible
 * @returns {(poll: Poll) => Plan | null}
 */
function results(visible) {
  return (poll) => {
    if (isResultShown(poll) === visible) return null;
    const path = pollPath(poll);
    if (visible && poll.phase === "draft") return { calls: [put(path, { results: "live" })], wants: { results: "live" } };
    if (visible) return { calls: [post(`${path}/publish`, { published: true })], wants: { published: true } };
    const calls = [];
    if (poll.results !== "on_publish") calls.push(put(path, { results: "on_publish" }));
    if (poll.published) calls.push(post(`${path}/publish`, { published: false }));
    return { calls, wants: { results: "on_publish", published: false } };
  };
}

/**
 * Changes these fields and no others.
 * @param {Partial<Poll>} fields
 * @returns {(poll: Poll) => Plan | null}
 */
function edit(fields) {
  return (poll) => (Object.keys(fields).length ? { calls: [put(pollPath(poll), fields)], wants: fields } : null);
}

/**
 * Shows an item of the wall, or none.
 * @param {Stream | null} item
 * @returns {(wall: Wall) => Plan | null}
 */
function show(item) {
  return (wall) => {
    if (wall.active === item || (item && !wall.items.includes(item))) return null;
    return { calls: [put(wallPath(wall), { active: item })], wants: { active: item } };
  };
}

/**
 * @param {string} title
 * @returns {(wall: Wall) => Plan | null}
 */
function rename(title) {
  return (wall) => (wall.title === title ? null : { calls: [put(wallPath(wall), { title })], wants: { title } });
}

/**
 * Changes the order of the items. `order` returns the new one, and is called again for a wall that has changed since.
 * @param {(items: Stream[]) => Stream[]} order
 * @returns {(wall: Wall) => Plan | null}
 */
function reorder(order) {
  return (wall) => {
    const items = order(wall.items);
    return items.join() === wall.items.join() ? null : { calls: [put(wallPath(wall), { items })], wants: { items } };
  };
}

/**
 * Changes whether the audience asks questions, and whether it reacts.
 * @param {{questions?: string, reactions?: boolean}} fields
 * @returns {(wall: Wall) => Plan | null}
 */
function asks(fields) {
  return (wall) => {
    const now = { questions: wall.questions || "off", reactions: Boolean(wall.reactions) };
    const wants = { ...now, ...fields };
    if (wants.questions === now.questions && wants.reactions === now.reactions) return null;
    return { calls: [put(wallPath(wall), fields)], wants: fields };
  };
}

/**
 * Adds an item to the wall, at the end or at a place.
 * @param {Stream} item
 * @param {number} place
 * @returns {(wall: Wall) => Plan | null}
 */
function add(item, place = Infinity) {
  return reorder((items) => (items.includes(item) ? items : [...items.slice(0, place), item, ...items.slice(place)]));
}

/**
 * Takes an item off the wall.
 * @param {Stream} item
 * @returns {(wall: Wall) => Plan | null}
 */
function remove(item) {
  return reorder((items) => items.filter((each) => each !== item));
}

export const commands = Object.freeze({ open, close, reset, archive, erase, timer, results, edit, show, rename, reorder, asks, add, remove });
