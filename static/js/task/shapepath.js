// The path of a shape at another place and size. Hundreds of cells with a `transform` of their own would cost a browser
// more than all the rest of a page. Pure.

/** How many numbers each command has, and which of them are coordinates along x and y; the rest of an arc are flags. */
const PAIRS = new Set(["M", "L", "m", "l"]);

/**
 * Returns a path that is scaled and then moved.
 * @param {string} path made of M, L, H, V, A and Z, large or small
 * @param {number} x
 * @param {number} y
 * @param {number} scale
 */
export function placedPath(path, x, y, scale) {
  let placed = "";
  for (const [, command, rest] of path.matchAll(/([a-zA-Z])([^a-zA-Z]*)/g)) {
    const numbers = (rest.match(/-?(?:\d+\.?\d*|\.\d+)/g) || []).map(Number);
    const isAbsolute = command === command.toUpperCase();
    const moved = (/** @type {number} */ value, /** @type {boolean} */ isX) => round(value * scale + (isAbsolute ? (isX ? x : y) : 0));
    const parts = numbers.map((value, index) => {
      if (PAIRS.has(command)) return moved(value, index % 2 === 0);
      if (command === "H" || command === "h") return moved(value, true);
      if (command === "V" || command === "v") return moved(value, false);
      const place = index % 7; // of an arc: radii, rotation, two flags, the end
      return place < 2 ? round(value * scale) : place < 5 ? value : moved(value, place === 5);
    });
    placed += command + parts.join(" ");
  }
  return placed;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
