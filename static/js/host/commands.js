// What a host does, as calls of the API. An act is made for what the host sees: {calls, wants}, where `wants` are the
// fields it means to hold afterwards; null where there is nothing to do. Pure.

import { isPublic } from "../poll/tally.js";

const post = (path, body = {}) => ({ method: "POST", path, body });
const put = (path, body) => ({ method: "PUT", path, body });
const at = (poll) => `/api/polls/${encodeURIComponent(poll.id)}`;
const wallAt = (wall) => `/api/walls/${encodeURIComponent(wall.code)}`;

const open = (poll) => (poll.phase === "open" || poll.erased_at ? null : { calls: [post(`${at(poll)}/open`)], wants: { phase: "open" } });
const close = (poll) => (poll.phase === "open" ? { calls: [post(`${at(poll)}/close`)], wants: { phase: "closed" } } : null);
const reset = (round) => (poll) =>
  poll.round === round ? { calls: [post(`${at(poll)}/reset`, { round })], wants: { round: round + 1 } } : null;
const archive = (poll) => ({ calls: [{ method: "DELETE", path: at(poll), body: {} }], wants: {} });
const erase = (poll) => (poll.erased_at ? null : { calls: [{ method: "DELETE", path: `${at(poll)}/ballots`, body: {} }], wants: {} });
const timer = (given) => (poll) =>
  poll.phase === "open" ? { calls: [post(`${at(poll)}/timer`, given)], wants: given.left === null ? { closes_at: null } : {} } : null;

/** Whether everyone sees the tally, or will as soon as the poll is open. */
export function isShown(poll) {
  return poll.phase === "draft" ? poll.results === "live" : isPublic(poll);
}

/** Shows the result to everyone, or hides it while voting goes on and after. */
const results = (show) => (poll) => {
  if (isShown(poll) === show) return null;
  if (show && poll.phase === "draft") return { calls: [put(at(poll), { results: "live" })], wants: { results: "live" } };
  if (show) return { calls: [post(`${at(poll)}/publish`, { published: true })], wants: { published: true } };
  const calls = [];
  if (!(poll.results === "on_publish")) calls.push(put(at(poll), { results: "on_publish" }));
  if (poll.published) calls.push(post(`${at(poll)}/publish`, { published: false }));
  return { calls, wants: { results: "on_publish", published: false } };
};

/** Changes these fields and no others. */
const edit = (fields) => (poll) => (Object.keys(fields).length ? { calls: [put(at(poll), fields)], wants: fields } : null);

const show = (item) => (wall) =>
  wall.active === item || (item && !wall.items.includes(item)) ? null : { calls: [put(wallAt(wall), { active: item })], wants: { active: item } };
const rename = (title) => (wall) => (wall.title === title ? null : { calls: [put(wallAt(wall), { title })], wants: { title } });
/** `order(items)` gives the new order: on a wall that has changed since, it is asked again. */
const reorder = (order) => (wall) => {
  const items = order(wall.items);
  return items.join() === wall.items.join() ? null : { calls: [put(wallAt(wall), { items })], wants: { items } };
};

export const acts = Object.freeze({ open, close, reset, archive, erase, timer, results, edit, show, rename, reorder });
