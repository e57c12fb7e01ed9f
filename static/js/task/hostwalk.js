// Which cell an arrow key leads to. Pure.

/** @typedef {{x: number, y: number}} Place */

/**
 * Returns the index of the cell to which a key leads: the next or the one before, the nearest in the row above or below,
 * the first or the last; null for another key. At an end it stays.
 * @param {Place[]} cells in their order
 * @param {number} from
 * @param {string} key
 * @returns {number | null}
 */
export function nextCell(cells, from, key) {
  const last = cells.length - 1;
  if (key === "ArrowRight") return Math.min(last, from + 1);
  if (key === "ArrowLeft") return Math.max(0, from - 1);
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (key !== "ArrowUp" && key !== "ArrowDown") return null;
  const { x, y } = cells[from];
  const isDown = key === "ArrowDown";
  const rows = cells.map((cell) => cell.y).filter((each) => (isDown ? each > y : each < y));
  if (rows.length === 0) return from;
  const row = isDown ? Math.min(...rows) : Math.max(...rows);
  let best = from;
  cells.forEach((cell, index) => {
    if (cell.y === row && (best === from || Math.abs(cell.x - x) < Math.abs(cells[best].x - x))) best = index;
  });
  return best;
}
