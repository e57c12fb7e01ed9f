// The tabs of a wall's page: which there are, which one follows what the wall shows, and which one has something new. Pure.

/** @import { Stream, Wall } from "../net/wire.d.ts" */
/** @import { Scene } from "./scene.js" */

/** @typedef {"vote" | "questions" | "talk"} Tab */

/** @type {Readonly<Record<string, Tab>>} */
const TAB_OF = Object.freeze({ polls: "vote", tasks: "vote", questions: "questions", rooms: "talk" });

/**
 * Returns the room of a wall: the active one, or else the first, of those that the reader may read.
 * @param {Wall | undefined} wall
 * @param {(room: Stream) => boolean} isRefused
 * @returns {Stream | null}
 */
export function roomOf(wall, isRefused = () => false) {
  if (!wall) return null;
  const rooms = [wall.active, ...wall.items].filter((item) => item && item.startsWith("rooms/") && !isRefused(item));
  return rooms[0] || null;
}

/**
 * Returns the tabs of a wall; none for one that has only votes.
 * @param {Wall | undefined} wall
 * @param {Stream | null} room
 * @returns {Tab[]}
 */
export function tabsOf(wall, room) {
  /** @type {Tab[]} */
  const tabs = ["vote"];
  if (wall && wall.questions) tabs.push("questions");
  if (room) tabs.push("talk");
  return tabs.length > 1 ? tabs : [];
}

/**
 * Returns the tab that shows what is active, or null where nothing is.
 * @param {Wall | undefined} wall
 * @returns {Tab | null}
 */
export function activeTab(wall) {
  const active = wall && wall.active;
  return active ? TAB_OF[active.split("/")[0]] || null : null;
}

/**
 * Returns the tab to show. Only somebody who has not chosen one follows what the wall shows, and never while they are
 * touching the page.
 * @param {{tabs: Tab[], shown: Tab, chosen: boolean, isTouched: boolean, active: Tab | null}} state
 * @returns {Tab}
 */
export function nextTab({ tabs, shown, chosen, isTouched, active }) {
  if (!tabs.includes(shown)) return "vote";
  if (chosen || isTouched || !active || !tabs.includes(active)) return shown;
  return active;
}

/**
 * Returns a mark for what is newest on each tab: the vote that is open, and the numbers of the newest question and message;
 * null where that is not known, and an empty one where there is nothing.
 * @param {Scene} scene
 * @param {import("../net/state.js").StreamState} questions
 * @param {import("../net/state.js").StreamState} room
 * @returns {Record<Tab, string | null>}
 */
export function newestMarks(scene, questions, room) {
  const isOpen = scene.kind === "poll" && scene.poll.phase === "open";
  const vote = scene.kind === "waiting" ? null : isOpen ? `${scene.stream} ${scene.poll.round}` : "";
  return { vote, questions: newest(questions, "question/"), talk: newest(room, "message/") };
}

/**
 * @param {import("../net/state.js").StreamState} state
 * @param {string} prefix
 */
function newest({ values, ready }, prefix) {
  if (!ready) return null;
  let most = 0;
  for (const [key, value] of Object.entries(values)) {
    if (!key.startsWith(prefix) || value.state === "pending" || value.state === "hidden") continue;
    most = Math.max(most, Number(key.slice(prefix.length)) || 0);
  }
  return String(most);
}

/**
 * Whether a tab that is not shown has something new since the reader looked there last. `seen` is null for somebody who
 * never did: what was there before they came is not new, but a vote that is open is.
 * @param {Tab} tab
 * @param {string | null} newestMark
 * @param {string | null} seen
 */
export function isNew(tab, newestMark, seen) {
  if (!newestMark) return false;
  if (tab === "vote") return newestMark !== seen;
  return seen !== null && Number(newestMark) > Number(seen);
}
