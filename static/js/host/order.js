// The order of a wall's items, and which of them are followed live. Pure.

/** @import { Stream, Wall } from "../net/wire.d.ts" */

/**
 * Returns the items with one of them at another place, which is kept within the list.
 * @param {Stream[]} items
 * @param {Stream} item
 * @param {number} place
 */
export function moveItem(items, item, place) {
  const others = items.filter((each) => each !== item);
  if (others.length === items.length) return items;
  const at = Math.max(0, Math.min(others.length, place));
  return [...others.slice(0, at), item, ...others.slice(at)];
}

/**
 * Returns the item so many places after another, or before it; null beyond the ends. Without another item, returns the
 * first or the last.
 * @param {Stream[]} items
 * @param {Stream | null} item
 * @param {number} by
 */
export function neighborItem(items, item, by) {
  const index = item === null ? -1 : items.indexOf(item);
  if (index < 0) return (by > 0 ? items[0] : items[items.length - 1]) || null;
  return items[index + by] || null;
}

/**
 * Returns the place to which a row is dragged.
 * @param {number[]} middles of all rows, from the top
 * @param {number} from the row's own place
 * @param {number} y
 */
export function placeAt(middles, from, y) {
  return middles.filter((middle, place) => place !== from && middle < y).length;
}

/**
 * Returns the items to follow where there is room for so many: the active one, the open polls, then those nearest to the
 * active one.
 * @param {Pick<Wall, "items" | "active">} wall
 * @param {(item: Stream) => string | undefined} phaseOf
 * @param {number} most
 */
export function followedItems({ items, active }, phaseOf, most) {
  const center = active === null ? 0 : Math.max(0, items.indexOf(active));
  const rankOf = (/** @type {Stream} */ item) => (item === active ? 0 : phaseOf(item) === "open" ? 1 : 2);
  const ranked = items
    .map((item, index) => ({ item, rank: rankOf(item), distance: Math.abs(index - center) }))
    .sort((a, b) => a.rank - b.rank || a.distance - b.distance)
    .slice(0, most);
  const followed = new Set(ranked.map(({ item }) => item));
  return items.filter((item) => followed.has(item));
}
