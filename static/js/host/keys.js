// What the keys of a keyboard and of a presenter's remote mean on the host's page, and what the next step is. Pure.

/** @import { Poll, Stream, Wall } from "../net/wire.d.ts" */

/** @typedef {"step" | "previous" | "next" | "results" | "time" | "full" | "keys" | "move"} KeyAction */
/** @typedef {Partial<Pick<KeyboardEvent, "repeat" | "ctrlKey" | "altKey" | "metaKey">> & {key: string}} KeyPress */

/**
 * In the order of the list under `?`. `names` are those of `KeyboardEvent.key`, `caps` what the list shows.
 * @type {readonly {action: KeyAction, names: string[], caps: string[]}[]}
 */
export const KEYS = Object.freeze([
  { action: "step", names: [" ", "ArrowRight", "PageDown"], caps: ["host.space", "→", "Page Down"] },
  { action: "previous", names: ["ArrowLeft", "PageUp"], caps: ["←", "Page Up"] },
  { action: "next", names: ["n"], caps: ["N"] },
  { action: "results", names: ["r"], caps: ["R"] },
  { action: "time", names: ["t"], caps: ["T"] },
  { action: "full", names: ["f"], caps: ["F"] },
  { action: "keys", names: ["?"], caps: ["?"] },
  { action: "move", names: [], caps: ["Alt ↑", "Alt ↓"] },
]);

/**
 * Returns the action of a key, or null. A key that is held down, or pressed with another one, has none.
 * @param {KeyPress} press
 * @param {{typing?: boolean, control?: boolean}} focus `typing`: the key belongs to a field; `control`: the focus is on a
 *   button or link, which takes Space for itself
 * @returns {KeyAction | null}
 */
export function actionOf({ key, repeat = false, ctrlKey = false, altKey = false, metaKey = false }, { typing = false, control = false } = {}) {
  if (typing || repeat || ctrlKey || altKey || metaKey) return null;
  if (control && key === " ") return null;
  const name = key.length === 1 ? key.toLowerCase() : key;
  const binding = KEYS.find(({ names }) => names.includes(name));
  return binding ? binding.action : null;
}

/**
 * Returns -1 or 1 where a key moves the item that has the focus, else 0.
 * @param {KeyPress} press
 */
export function movement({ key, altKey = false, ctrlKey = false, metaKey = false }) {
  if (!altKey || ctrlKey || metaKey) return 0;
  return { ArrowUp: -1, ArrowDown: 1 }[key] || 0;
}

/**
 * @typedef {{do: "open" | "close", item: Stream} | {do: "show", item: Stream, first: boolean} | {do: "end" | "none"}} NextStep
 */

/**
 * Returns the next sensible step on a wall: to open or close the poll on the screen, to show the next item, "end" after
 * the last item and "none" on an empty wall.
 * @param {Pick<Wall, "items" | "active">} wall
 * @param {Pick<Poll, "phase"> | null | undefined} poll the active item's, null for a task
 * @returns {NextStep}
 */
export function nextStep({ items, active }, poll) {
  if (active && poll && poll.phase === "draft") return { do: "open", item: active };
  if (active && poll && poll.phase === "open") return { do: "close", item: active };
  if (!items.length) return { do: "none" };
  const item = items[active === null ? 0 : items.indexOf(active) + 1];
  return item ? { do: "show", item, first: !active } : { do: "end" };
}
