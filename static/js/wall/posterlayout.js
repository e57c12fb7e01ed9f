// How a task's chart fills the projector: from left to right or from top to bottom, whichever allows the larger letters;
// and which steps have a line of text where the whole chart would be too small to read. Pure; lengths are in pixels.

import { BOX, linePath } from "../task/chartlayout.js";

/** @import { Layout, Point, Step } from "../net/wire.d.ts" */
/** @import { Size } from "../task/chartlayout.js" */

const GAP_X = 84; // between two boxes of the server's layout (livewall/charts/task_layout.py)
const LETTER_WIDTH = 0.58; // in letter heights
const NAME_LETTERS = 16; // a name of this length is to be whole
const RANK = BOX.width + GAP_X;
const MESSAGE_FONT = 1.68; // letter height, in units, at which a third line is worth its room
const WIDENING = 1.25; // from top to bottom, a box may take some of the gap beside it
const URGENT = ["failed", "lost", "running", "retrying", "waiting"];
const STATE_ORDER = ["failed", "lost", "running", "retrying", "waiting", "pending", "succeeded", "skipped", "cancelled"];

/**
 * One way to draw the chart. "Along" is the direction in which the steps follow each other, "beside" the other one.
 * @typedef {object} Arrangement
 * @property {boolean} across whether the steps follow each other from left to right
 * @property {number} lines lines of text in a box
 * @property {number} length of a box, along
 * @property {number} gap between two boxes, along
 * @property {number} scale of the layout, beside
 * @property {number} from where the first box begins, along
 * @property {number} side where the layout begins, beside
 * @property {number} width of a box
 * @property {number} height of a box
 */

/**
 * @param {Layout} layout
 * @param {Size} view
 * @param {number} unit
 * @param {boolean} across
 * @param {number} lines
 * @returns {Arrangement}
 */
function arrangement(layout, view, unit, across, lines) {
  const ranks = Math.max(1, Math.round((layout.width + GAP_X) / RANK));
  const [along, beside] = across ? [view.width, view.height] : [view.height, view.width];
  const gap = (across ? 3.2 : 1.9) * unit;
  const flat = (lines === 2 ? 7.5 : 4) * unit;
  const most = across ? { length: 24 * unit, depth: flat } : { length: flat, depth: 30 * unit };
  const length = Math.min(most.length, (along - (ranks - 1) * gap) / ranks);
  const overhang = across ? 0 : BOX.height * (WIDENING - 1); // of the widened first and last boxes
  const scale = Math.min(beside / (layout.height + overhang), most.depth / BOX.height);
  const depth = BOX.height * scale;
  const used = ranks * length + (ranks - 1) * gap;
  const [from, side] = [(along - used) / 2, (beside - layout.height * scale) / 2];
  const [width, height] = across ? [length, depth] : [Math.min(most.depth, depth * WIDENING), length];
  return { across, lines, length, gap, scale, from, side, width, height };
}

/**
 * Returns the letter height at which names of so many letters fit into the boxes.
 * @param {Arrangement} boxes
 * @param {number} letters
 * @param {number} unit
 */
function fontSize({ width, height, lines }, letters, unit) {
  const byWidth = (width - 1.2 * unit) / (letters * LETTER_WIDTH + 1.9 + (lines === 1 ? 3.6 : 0));
  const byHeight = height / (lines === 2 ? 3 : 1.75);
  return Math.min(byWidth, byHeight, 2.3 * unit);
}

/**
 * @typedef {object} PosterLayout
 * @property {{name: string, x: number, y: number}[]} nodes
 * @property {{from: string, to: string, d: string}[]} edges
 * @property {number} width of a box
 * @property {number} height of a box
 * @property {number} lines lines of text in a box
 * @property {number} font letter height
 */

/**
 * Returns a layout in which all boxes have one height: hosts have a place of their own on the projector.
 * @param {Layout} layout
 * @returns {Layout}
 */
export function withoutHosts(layout) {
  const nodes = layout.nodes.map(({ name, x, y, height = BOX.height }) => ({ name, x, y: y + (height - BOX.height) / 2 }));
  const top = Math.min(...nodes.map(({ y }) => y), ...layout.edges.flatMap(({ points }) => points.map(([, y]) => y)));
  const bottom = Math.max(...nodes.map(({ y }) => y + BOX.height), ...layout.edges.flatMap(({ points }) => points.map(([, y]) => y)));
  return {
    ...layout,
    height: nodes.length ? bottom - top : 0,
    nodes: nodes.map((node) => ({ ...node, y: node.y - top })),
    edges: layout.edges.map((edge) => ({ ...edge, points: edge.points.map(([x, y]) => /** @type {Point} */ ([x, y - top])) })),
  };
}

/**
 * Returns the layout that fills `view` with the largest letters; null if they would be smaller than `least`.
 * @param {Layout} layout
 * @param {Size} view
 * @param {{unit: number, least: number}} letters
 * @returns {PosterLayout | null}
 */
export function posterLayout(layout, view, { unit, least }) {
  const letters = Math.max(6, Math.min(NAME_LETTERS, Math.max(...layout.nodes.map((node) => node.name.length))));
  /** @type {(Arrangement & {font: number}) | null} */
  let best = null;
  for (const lines of [2, 1]) {
    for (const across of [true, false]) {
      const candidate = arrangement(layout, view, unit, across, lines);
      if (candidate.width <= 0 || candidate.height <= 0) continue;
      const font = fontSize(candidate, letters, unit);
      // Another direction must be clearly better: a chart from left to right is easier to read.
      if (font >= least && (!best || font > best.font * 1.05)) best = { ...candidate, font };
    }
    if (best) break;
  }
  if (!best) return null;
  const withMessage = Math.min(best.font, best.height / 4.3); // a message is worth somewhat smaller letters
  const hasRoom = best.lines === 2 && withMessage >= MESSAGE_FONT * unit;
  return place(layout, hasRoom ? { ...best, font: withMessage, lines: 3 } : best);
}

/**
 * @param {Layout} layout
 * @param {Arrangement & {font: number}} arranged
 * @returns {PosterLayout}
 */
function place(layout, arranged) {
  const along = (/** @type {number} */ x) => {
    const rank = Math.floor(x / RANK);
    const inside = x - rank * RANK;
    const start = arranged.from + rank * (arranged.length + arranged.gap);
    if (inside <= BOX.width) return start + (inside / BOX.width) * arranged.length;
    return start + arranged.length + ((inside - BOX.width) / GAP_X) * arranged.gap;
  };
  const beside = (/** @type {number} */ y) => arranged.side + y * arranged.scale;
  /** @type {(x: number, y: number) => Point} */
  const at = (x, y) => (arranged.across ? [along(x), beside(y)] : [beside(y), along(x)]);
  return {
    width: arranged.width, height: arranged.height, lines: arranged.lines, font: arranged.font,
    nodes: layout.nodes.map(({ name, x, y }) => {
      const [left, top] = at(x, arranged.across ? y : y + BOX.height / 2);
      return { name, x: arranged.across ? left : left - arranged.width / 2, y: top };
    }),
    edges: layout.edges.map(({ from, to, points }) => ({ from, to, d: edgePath(points, arranged.across, at) })),
  };
}

/**
 * @param {Point[]} points
 * @param {boolean} across
 * @param {(x: number, y: number) => Point} at
 */
function edgePath(points, across, at) {
  if (across) return linePath(points.map(([x, y]) => at(x, y)));
  // From top to bottom: the path from left to right with its two axes exchanged.
  const turned = linePath(points.map(([x, y]) => {
    const [left, top] = at(x, y);
    return [top, left];
  }));
  return turned.replace(/([MCH])([^MCH]*)/g, (_whole, /** @type {string} */ command, /** @type {string} */ numbers) => {
    if (command === "H") return `V${numbers}`;
    const list = numbers.trim().split(/ /);
    const swapped = [];
    for (let index = 0; index < list.length; index += 2) swapped.push(list[index + 1], list[index]);
    return command + swapped.join(" ");
  });
}

/**
 * Returns the side of square cells so large that `count` of them fill a field.
 * @param {number} count
 * @param {Size} view
 * @param {number} most
 */
export function cellSize(count, view, most) {
  let size = Math.min(most, Math.sqrt((view.width * view.height) / Math.max(1, count)));
  while (size > 2 && Math.floor(view.width / size) * Math.floor(view.height / size) < count) size *= 0.97;
  return size;
}

/**
 * Returns at most `room` steps that get a line of text, the most urgent first and then those that ended last, and how
 * many more are urgent.
 * @param {Step[]} steps
 * @param {number} room
 */
export function listedSteps(steps, room) {
  const urgent = URGENT.flatMap((state) => steps.filter((step) => step.state === state));
  const ended = steps
    .filter((step) => step.ended_at && !URGENT.includes(step.state))
    .sort((a, b) => ((a.ended_at || "") < (b.ended_at || "") ? 1 : -1));
  const shown = urgent.length > room ? urgent.slice(0, room - 1) : [...urgent, ...ended].slice(0, room);
  return { shown, more: Math.max(0, urgent.length - shown.length) };
}

/**
 * Returns how many steps are in each state, the most urgent state first.
 * @param {Pick<Step, "state">[]} steps
 * @returns {[state: string, count: number][]}
 */
export function stateCounts(steps) {
  const counts = new Map(STATE_ORDER.map((state) => [state, 0]));
  for (const step of steps) counts.set(step.state, (counts.get(step.state) || 0) + 1);
  return [...counts].filter(([, count]) => count);
}
