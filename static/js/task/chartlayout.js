// The geometry of a chart: boxes where the server put them, lines between them, the part of it that a window shows, and
// which step is next to which. Pure. The server draws the same lines (handlers/view_models/task_chart.py).

/** @import { Layout, Point, Step } from "../net/wire.d.ts" */

/** @typedef {{width: number, height: number}} Size */
/** @typedef {{x: number, y: number}} Place */
/** @typedef {Place & {height?: number}} NodePlace a box; one with hosts is higher than the others */
/** @typedef {{scale: number, x: number, y: number}} CameraState how much a layout is enlarged, and then shifted */

/** A step's box, in the units of the server's layout (livewall/charts/task_layout.py). */
export const BOX = { width: 200, height: 80 };

const round = (/** @type {number} */ value) => Math.round(value * 10) / 10;

/**
 * Returns the path of a line through points that is horizontal at each of them.
 * @param {Point[]} points
 */
export function linePath(points) {
  const [[x, y], ...rest] = points;
  let path = `M${round(x)} ${round(y)}`;
  let [fromX, fromY] = [x, y];
  for (const [toX, toY] of rest) {
    const middle = round((fromX + toX) / 2);
    path += toY === fromY ? `H${round(toX)}` : `C${middle} ${round(fromY)} ${middle} ${round(toY)} ${round(toX)} ${round(toY)}`;
    [fromX, fromY] = [toX, toY];
  }
  return path;
}

/**
 * Returns what a layout depends on, the names and needs of the steps, whatever their order.
 * @param {Pick<Step, "name" | "needs">[]} steps
 */
export function structureKey(steps) {
  const structure = steps.map((step) => /** @type {const} */ ([step.name, [...(step.needs || [])].sort()]));
  return JSON.stringify(structure.sort((a, b) => (a[0] < b[0] ? -1 : 1)));
}

/**
 * Returns the camera that shows all of a layout in the middle of a window.
 * @param {Size} layout
 * @param {Size} view
 * @param {{margin?: number, most?: number, least?: number}} limits
 * @returns {CameraState}
 */
export function fitCamera(layout, view, { margin = 24, most = 1.25, least = 0 } = {}) {
  const byWidth = (view.width - 2 * margin) / Math.max(1, layout.width);
  const byHeight = (view.height - 2 * margin) / Math.max(1, layout.height);
  const scale = Math.max(least, Math.min(most, byWidth, byHeight));
  return { scale, x: (view.width - layout.width * scale) / 2, y: (view.height - layout.height * scale) / 2 };
}

/**
 * Returns the nearest camera that keeps a layout in view: in the middle where it is smaller than the window, without an
 * empty margin where it is larger.
 * @param {CameraState} camera
 * @param {Size} layout
 * @param {Size} view
 * @returns {CameraState}
 */
export function clampCamera(camera, layout, view, margin = 24) {
  /** @type {(shift: number, size: number, room: number) => number} */
  const axis = (shift, size, room) => {
    const length = size * camera.scale;
    if (length + 2 * margin <= room) return (room - length) / 2;
    return Math.min(margin, Math.max(room - length - margin, shift));
  };
  return {
    scale: camera.scale,
    x: axis(camera.x, layout.width, view.width),
    y: axis(camera.y, layout.height, view.height),
  };
}

/**
 * Returns the camera with another scale; the point of the window at `at` stays where it is.
 * @param {CameraState} camera
 * @param {number} scale
 * @param {Place} at
 * @returns {CameraState}
 */
export function zoomCamera(camera, scale, at) {
  const ratio = scale / camera.scale;
  return { scale, x: at.x - (at.x - camera.x) * ratio, y: at.y - (at.y - camera.y) * ratio };
}

/**
 * Returns the camera moved so that a box is in the middle.
 * @param {CameraState} camera
 * @param {NodePlace} node
 * @param {Size} view
 * @returns {CameraState}
 */
export function centerCamera(camera, node, view) {
  const { scale } = camera;
  return {
    scale,
    x: view.width / 2 - (node.x + BOX.width / 2) * scale,
    y: view.height / 2 - (node.y + (node.height || BOX.height) / 2) * scale,
  };
}

/**
 * Returns the camera moved just so far that a box is whole in view.
 * @param {CameraState} camera
 * @param {NodePlace} node
 * @param {Size} view
 * @returns {CameraState}
 */
export function revealNode(camera, node, view, margin = 32) {
  /** @type {(shift: number, from: number, length: number, room: number) => number} */
  const axis = (shift, from, length, room) => {
    const start = from * camera.scale + shift;
    const end = start + length * camera.scale;
    if (start < margin) return shift + margin - start;
    return end > room - margin ? shift - (end - room + margin) : shift;
  };
  return {
    scale: camera.scale,
    x: axis(camera.x, node.x, BOX.width, view.width),
    y: axis(camera.y, node.y, node.height || BOX.height, view.height),
  };
}

/**
 * Returns the name of the step to which an arrow key leads: along a line to the left or right, within a column up or
 * down; null if there is none.
 * @param {Layout} layout
 * @param {string} name
 * @param {string} key
 */
export function neighborStep(layout, name, key) {
  const byName = new Map(layout.nodes.map((node) => [node.name, node]));
  const current = byName.get(name);
  if (!current) return null;
  const candidates = () => {
    if (key === "ArrowRight") return layout.edges.filter((edge) => edge.from === name).map((edge) => byName.get(edge.to));
    if (key === "ArrowLeft") return layout.edges.filter((edge) => edge.to === name).map((edge) => byName.get(edge.from));
    if (key === "ArrowUp") return layout.nodes.filter((node) => node.x === current.x && node.y < current.y);
    if (key === "ArrowDown") return layout.nodes.filter((node) => node.x === current.x && node.y > current.y);
    return [];
  };
  const distance = (/** @type {Place} */ node) => Math.abs(node.y - current.y) + Math.abs(node.x - current.x) / 1e3;
  const nodes = candidates().filter((node) => node !== undefined);
  const [closest] = nodes.sort((a, b) => distance(a) - distance(b));
  return closest ? closest.name : null;
}

/**
 * Returns the name of a step in one line or two: broken after a hyphen or the like, cut in the middle where it is too
 * long.
 * @param {string} name
 * @param {number} room letters in a line
 */
export function nameLines(name, room) {
  if (name.length <= room) return [name];
  if (name.length > 2 * room) return [name.slice(0, room), `…${name.slice(1 - room)}`];
  const least = name.length - room;
  const middle = Math.ceil(name.length / 2);
  let at = 0;
  for (let index = least; index <= room; index += 1) {
    if ("-._".includes(name[index - 1]) && Math.abs(index - middle) < Math.abs(at - middle)) at = index;
  }
  at = at || middle;
  return [name.slice(0, at), name.slice(at)];
}

/**
 * Returns the state of an edge: done when its first step has succeeded, live while its second one runs, else ahead.
 * @param {string | undefined} from
 * @param {string | undefined} to
 */
export function edgeState(from, to) {
  if (to === "running" || to === "retrying") return "live";
  return from === "succeeded" ? "done" : "ahead";
}
