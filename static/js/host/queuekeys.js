// The keys of the queue of questions. They work while the focus is in the queue, and are none of the remote's. Pure.

/** @import { KeyPress } from "./keys.js" */

/** @typedef {"shown" | "pinned" | "answered" | "hidden" | "answer" | "undo" | "up" | "down"} QueueAction */

/** @type {readonly {action: QueueAction, names: string[], caps: string[]}[]} */
export const QUEUE_KEYS = Object.freeze([
  { action: "shown", names: ["s"], caps: ["S"] },
  { action: "pinned", names: ["p"], caps: ["P"] },
  { action: "answered", names: ["a"], caps: ["A"] },
  { action: "hidden", names: ["h"], caps: ["H"] },
  { action: "answer", names: ["e"], caps: ["E"] },
  { action: "undo", names: ["u"], caps: ["U"] },
  { action: "up", names: ["ArrowUp", "k"], caps: ["↑", "K"] },
  { action: "down", names: ["ArrowDown", "j"], caps: ["↓", "J"] },
]);

/**
 * @param {KeyPress} press
 * @returns {QueueAction | null}
 */
export function queueActionOf({ key, repeat = false, ctrlKey = false, altKey = false, metaKey = false }) {
  if (ctrlKey || altKey || metaKey) return null;
  const name = key.length === 1 ? key.toLowerCase() : key;
  const binding = QUEUE_KEYS.find(({ names }) => names.includes(name));
  if (!binding || (repeat && binding.action !== "up" && binding.action !== "down")) return null;
  return binding.action;
}
