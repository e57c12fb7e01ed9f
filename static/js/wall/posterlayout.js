// How a task's chart stands on the projector: as large as it fits, from left to right or from top to bottom, whatever
// gives the larger letters; and which steps are shown where all of them would be too small. Pure; lengths in pixels.

import { BOX, path } from "../task/chartlayout.js";

const GAP_X = 84; // of the server's layout (livewall/charts/task_layout.py)
const LETTER = 0.58; // width of a letter in its height
const NAMES = 16; // letters of a name that should be whole
const RANK = BOX.width + GAP_X;
const MESSAGE = 1.68; // letters, in units, with which there is room for a third line
const WIDER = 1.25; // from top to bottom a box may take some of the gap beside it
const URGENT = ["failed", "lost", "running", "retrying", "waiting"];

/** A way to stand: `across` for ranks from left to right; `lines` in a box. */
function stand(layout, view, unit, across, lines) {
  const ranks = Math.max(1, Math.round((layout.width + GAP_X) / RANK));
  const [along, beside] = across ? [view.width, view.height] : [view.height, view.width];
  const gap = (across ? 3.2 : 1.9) * unit;
  const most = across ? [24 * unit, (lines === 2 ? 7.5 : 4) * unit] : [(lines === 2 ? 7.5 : 4) * unit, 30 * unit];
  const length = Math.min(most[0], (along - (ranks - 1) * gap) / ranks);
  const outside = across ? 0 : BOX.height * (WIDER - 1); // of the first and the last box
  const scale = Math.min(beside / (layout.height + outside), most[1] / BOX.height);
  const depth = BOX.height * scale;
  const used = ranks * length + (ranks - 1) * gap;
  const [from, side] = [(along - used) / 2, (beside - layout.height * scale) / 2];
  const [width, height] = across ? [length, depth] : [Math.min(most[1], depth * WIDER), length];
  return { across, lines, length, gap, scale, from, side, width, height };
}

/** The letters' height with which names of so many letters fit the boxes. */
function lettersOf({ width, height, lines }, letters, unit) {
  const wide = (width - 1.2 * unit) / (letters * LETTER + 1.9 + (lines === 1 ? 3.6 : 0));
  const high = height / (lines === 2 ? 3 : 1.75);
  return Math.min(wide, high, 2.3 * unit);
}

/**
 * {nodes: [{name, x, y}], edges: [{from, to, d}], width, height, lines, font} that fills `view`; null where letters
 * would be smaller than `least`.
 */
export function arrange(layout, view, { unit, least }) {
  const letters = Math.max(6, Math.min(NAMES, Math.max(...layout.nodes.map((node) => node.name.length))));
  let best = null;
  for (const lines of [2, 1]) {
    for (const across of [true, false]) {
      const way = stand(layout, view, unit, across, lines);
      if (way.width <= 0 || way.height <= 0) continue;
      const font = lettersOf(way, letters, unit);
      if (font >= least && (!best || font > best.font * 1.05)) best = { ...way, font };
    }
    if (best) break;
  }
  if (!best) return null;
  const three = Math.min(best.font, best.height / 4.3); // what a step says is worth somewhat smaller letters
  return placed(layout, best.lines === 2 && three >= MESSAGE * unit ? { ...best, font: three, lines: 3 } : best);
}

function placed(layout, way) {
  const along = (x) => {
    const rank = Math.floor(x / RANK);
    const inside = x - rank * RANK;
    const start = way.from + rank * (way.length + way.gap);
    if (inside <= BOX.width) return start + (inside / BOX.width) * way.length;
    return start + way.length + ((inside - BOX.width) / GAP_X) * way.gap;
  };
  const beside = (y) => way.side + y * way.scale;
  const at = (x, y) => (way.across ? [along(x), beside(y)] : [beside(y), along(x)]);
  return {
    width: way.width, height: way.height, lines: way.lines, font: way.font,
    nodes: layout.nodes.map(({ name, x, y }) => {
      const [left, top] = at(x, way.across ? y : y + BOX.height / 2);
      return { name, x: way.across ? left : left - way.width / 2, y: top };
    }),
    edges: layout.edges.map(({ from, to, points }) => ({ from, to, d: route(points, way, at) })),
  };
}

function route(points, way, at) {
  if (way.across) return path(points.map(([x, y]) => at(x, y)));
  // From top to bottom the same lines with both axes exchanged.
  const turned = path(points.map(([x, y]) => [...at(x, y)].reverse()));
  return turned.replace(/([MCH])([^MCH]*)/g, (whole, kind, numbers) => {
    if (kind === "H") return `V${numbers}`;
    const list = numbers.trim().split(/ /);
    const swapped = [];
    for (let index = 0; index < list.length; index += 2) swapped.push(list[index + 1], list[index]);
    return kind + swapped.join(" ");
  });
}

/** The side of square cells, so many that they fit a field. */
export function cellSize(count, view, most) {
  let size = Math.min(most, Math.sqrt((view.width * view.height) / Math.max(1, count)));
  while (size > 2 && Math.floor(view.width / size) * Math.floor(view.height / size) < count) size *= 0.97;
  return size;
}

/** The steps worth a line, the most urgent first, then those that ended last; at most `room`, and how many more are urgent. */
export function worthALine(steps, room) {
  const urgent = URGENT.flatMap((state) => steps.filter((step) => step.state === state));
  const rest = steps.filter((step) => step.ended_at && !URGENT.includes(step.state)).sort((a, b) => (a.ended_at < b.ended_at ? 1 : -1));
  const shown = urgent.length > room ? urgent.slice(0, room - 1) : [...urgent, ...rest].slice(0, room);
  return { shown, more: Math.max(0, urgent.length - shown.length) };
}

/** How many steps are in which state, in the order in which one asks for them: [[state, count]]. */
export function countsOf(steps) {
  const order = ["failed", "lost", "running", "retrying", "waiting", "pending", "succeeded", "skipped", "cancelled"];
  const counts = new Map(order.map((state) => [state, 0]));
  for (const step of steps) counts.set(step.state, (counts.get(step.state) || 0) + 1);
  return [...counts].filter(([, count]) => count);
}
