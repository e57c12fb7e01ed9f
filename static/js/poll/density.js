// How large the letters of a poll are on the projector: the largest with which the question and every label have room.
// Estimated from the lengths of the texts, so that nothing moves once it is drawn. The server uses the same table for
// pages without script, and a test compares the two. Pure.

import { lengthClass, textWidth } from "../ui/length.js";
import { isCompared } from "./tally.js";

/** @import { LengthClass } from "../ui/length.js" */
/** @import { Poll } from "../net/wire.d.ts" */

/**
 * From the largest letters to the smallest: name, most options, columns, letters in a line, height of a line, height of
 * the rest of a row. Heights are in hundredths of the screen's width.
 * @type {[name: string, most: number, columns: number, letters: number, line: number, rest: number][]}
 */
const DENSITIES = [
  ["pair", 2, 1, 29, 3.5, 11],
  ["large", 3, 1, 42, 3.1, 7.6],
  ["few", 4, 1, 50, 2.7, 5.8],
  ["some", 6, 1, 56, 2.3, 3.6],
  ["many", 8, 1, 62, 2.1, 2.4],
  ["dense", 8, 1, 62, 2.0, 1.7],
  ["dense-two", 8, 1, 66, 1.95, 0.95],
  ["dense-cut", 8, 1, 66, 1.95, 1.7],
  ["two", 14, 2, 25, 2.1, 2.3],
  ["two-tight", 20, 2, 31, 2.0, 1.6],
  ["two-small", 20, 2, 31, 1.95, 0.95],
  ["two-cut", 20, 2, 31, 1.95, 1.1],
  ["three", 40, 3, 17, 1.95, 0.65],
  ["three-cut", 40, 3, 17, 1.95, 0.5],
];
/**
 * The height that a question of each length leaves to the rows.
 * @type {Record<LengthClass, number>}
 */
const ROOM = { short: 37, medium: 34.5, long: 34.5, endless: 30 };
/** A label may take this many lines before smaller letters are tried. */
const MAX_LINES = 4;

/** @typedef {{foot?: number, row?: number}} Extra height below the rows, and beside each of them */

/** @param {number} options */
export function columnCount(options) {
  if (options <= 8) return 1;
  return options <= 20 ? 2 : 3;
}

/**
 * Returns the height that the rules of a poll take: a line below the rows, and a line beside each.
 * @param {Poll} poll
 */
export function extraHeight(poll) {
  const foot = poll.majority || poll.compare || poll.options.some((option) => option.abstain);
  return { foot: foot ? 4 : 0, row: !isCompared(poll) ? 0 : columnCount(poll.options.length) === 1 ? 1.2 : 0.8 };
}

/**
 * Returns the densities for so many options, from the largest letters to the smallest.
 * @param {number} options
 */
export function densities(options) {
  return DENSITIES.filter(([, most, columns]) => columns === columnCount(options) && options <= most).map(([name]) => name);
}

/**
 * Returns the density with the largest letters in which every label is whole, else the one with the smallest.
 * @param {string[]} labels
 * @param {Extra} extra
 */
export function density(labels, title = "", extra = {}) {
  const { foot = 0, row = 0 } = extra;
  const room = ROOM[lengthClass(title)] - foot;
  const columns = columnCount(labels.length);
  const rows = Math.ceil(labels.length / columns);
  const widths = labels.map(textWidth);
  let chosen = "three-cut";
  for (const [name, most, among, letters, height, spacing] of DENSITIES) {
    if (among !== columns || labels.length > most) continue;
    chosen = name;
    const lines = widths.map((width) => Math.max(1, Math.ceil(width / letters)));
    const linesOfColumn = (/** @type {number} */ from) => lines.slice(from, from + rows).reduce((sum, each) => sum + each, 0);
    const tallest = Math.max(...Array.from({ length: columns }, (_, index) => linesOfColumn(index * rows)));
    if (Math.max(0, ...lines) <= MAX_LINES && tallest * height + rows * (spacing + row) <= room) break;
  }
  return chosen;
}

/**
 * Returns how many lines of each label fit where even the smallest letters need some labels cut.
 * @param {string[]} labels
 * @param {Extra} extra
 */
export function cutLines(labels, title = "", extra = {}) {
  const { foot = 0, row = 0 } = extra;
  const name = density(labels, title, extra);
  const [, , , , height, spacing] = DENSITIES.find(([each]) => each === name) || DENSITIES[0];
  const rows = Math.max(1, Math.ceil(labels.length / columnCount(labels.length)));
  const room = ROOM[lengthClass(title)] - foot - rows * (spacing + row);
  return Math.min(MAX_LINES, Math.max(1, Math.floor(room / (rows * height))));
}
