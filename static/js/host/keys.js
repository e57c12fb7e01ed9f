// What the keys of a keyboard and of a presenter's remote mean on the host's page, and what the next step is. Pure.

/** In the order of the list under `?`; names of keys as `KeyboardEvent.key` has them. */
export const KEYS = Object.freeze([
  { act: "step", names: [" ", "ArrowRight", "PageDown"], caps: ["host.space", "→", "Page Down"] },
  { act: "previous", names: ["ArrowLeft", "PageUp"], caps: ["←", "Page Up"] },
  { act: "next", names: ["n"], caps: ["N"] },
  { act: "results", names: ["r"], caps: ["R"] },
  { act: "time", names: ["t"], caps: ["T"] },
  { act: "full", names: ["f"], caps: ["F"] },
  { act: "keys", names: ["?"], caps: ["?"] },
  { act: "move", names: [], caps: ["Alt ↑", "Alt ↓"] },
]);

/**
 * The act a key asks for, or null. `typing`: the key belongs to a field; `control`: to a button or link, which
 * takes Space for itself. A key that is held down, or held with another, asks for nothing.
 */
export function meaning({ key, repeat = false, ctrlKey = false, altKey = false, metaKey = false }, { typing = false, control = false } = {}) {
  if (typing || repeat || ctrlKey || altKey || metaKey) return null;
  if (control && key === " ") return null;
  const name = key.length === 1 ? key.toLowerCase() : key;
  const found = KEYS.find(({ names }) => names.includes(name));
  return found ? found.act : null;
}

/** -1 or 1 where a key moves the item that has the focus, else 0. */
export function moves({ key, altKey = false, ctrlKey = false, metaKey = false }) {
  if (!altKey || ctrlKey || metaKey) return 0;
  return { ArrowUp: -1, ArrowDown: 1 }[key] || 0;
}

/**
 * The next sensible step on a wall: {do: "open" | "close"} for the poll on the screen, {do: "show", item} for another
 * item, {do: "end"} after the last, {do: "none"} on an empty wall. `poll` is the active item's, null for a task.
 */
export function step({ items, active }, poll) {
  if (active && poll && poll.phase === "draft") return { do: "open", item: active };
  if (active && poll && poll.phase === "open") return { do: "close", item: active };
  if (!items.length) return { do: "none" };
  const item = items[items.indexOf(active) + 1];
  return item ? { do: "show", item, first: !active } : { do: "end" };
}
