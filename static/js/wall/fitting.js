// How many rows have room on a poster, where nothing scrolls. Pure.

/**
 * Returns the number of rows that fit, the first of them first, at least one.
 * @param {number[]} heights
 * @param {{gap: number, room: number}} field
 */
export function fittingCount(heights, { gap, room }) {
  let used = -gap;
  for (const [index, height] of heights.entries()) {
    used += gap + height;
    if (used > room + 1) return Math.max(1, index);
  }
  return heights.length;
}
