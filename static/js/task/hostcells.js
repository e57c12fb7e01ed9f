// The cells of hosts: one for each host, row by row, with a gap between waves. Pure. The server works out the same for the
// boxes of a chart (livewall/charts/host_cells.py).

import { BOX } from "./chartlayout.js";

/** The room to the left and to the right of the cells in a box. */
export const SIDE = 13;
/** The side of a cell in a box, for so many hosts at most. */
const SIZES = [[9, 19], [24, 17], [60, 13.2], [120, 10.8], [240, 8.6], [500, 6.9]];
const SMALLEST = 5.4;
/** Waves with more gaps than these stand side by side. */
const MOST_GAPS = 12;

/**
 * Cells of one wave that stand side by side in a row.
 * @typedef {{wave: number, x: number, y: number, width: number}} Run
 */
/** @typedef {{size: number, cells: {x: number, y: number, wave: number}[], runs: Run[], height: number}} HostCells */

/**
 * Returns the side of a cell in the box of a step with so many hosts.
 * @param {number} count
 */
export function cellSize(count) {
  const found = SIZES.find(([most]) => count <= most);
  return found ? found[1] : SMALLEST;
}

/**
 * Returns the cells of waves of these sizes, in rows of this width.
 * @param {number[]} waves
 * @param {number} width
 * @param {number} size
 * @returns {HostCells}
 */
export function hostCells(waves, width = BOX.width - 2 * SIDE, size = cellSize(waves.reduce((sum, hosts) => sum + hosts, 0))) {
  const gap = waves.length - 1 <= MOST_GAPS ? size / 2 : 0;
  /** @type {HostCells["cells"]} */
  const cells = [];
  /** @type {Run[]} */
  const runs = [];
  let x = 0;
  let y = 0;
  waves.forEach((hosts, index) => {
    const wave = index + 1;
    if (x) x += gap;
    for (let place = 0; place < hosts; place += 1) {
      if (x + size > width + 0.001) {
        x = 0;
        y += size;
      }
      if (place === 0 || x === 0) runs.push({ wave, x, y, width: 0 });
      const run = runs[runs.length - 1];
      cells.push({ x, y, wave });
      run.width = x + size - run.x;
      x += size;
    }
  });
  return { size, cells, runs, height: cells.length ? y + size : 0 };
}

/**
 * Returns the side of the largest cells with which waves fill a field.
 * @param {number[]} waves
 * @param {{width: number, height: number}} field
 * @param {number} most
 */
export function largestCells(waves, field, most) {
  let size = most;
  while (size > 2 && hostCells(waves, field.width, size).height > field.height) size *= 0.97;
  return size;
}
