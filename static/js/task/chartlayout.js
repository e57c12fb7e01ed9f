// Geometry of a chart: boxes where the server laid them, lines between them, what fits into a window, which step is
// next to which. Pure. handlers/pages/view_models/looks.py draws the same lines.

/** A step's box, in the units of the server's layout (livewall/charts/task_layout.py). */
export const BOX = { width: 200, height: 80 };

const round = (value) => Math.round(value * 10) / 10;

/** A line through points that leaves and arrives level. */
export function path(points) {
  const [[x, y], ...rest] = points;
  let said = `M${round(x)} ${round(y)}`;
  let [fromX, fromY] = [x, y];
  for (const [toX, toY] of rest) {
    const middle = round((fromX + toX) / 2);
    said += toY === fromY ? `H${round(toX)}` : `C${middle} ${round(fromY)} ${middle} ${round(toY)} ${round(toX)} ${round(toY)}`;
    [fromX, fromY] = [toX, toY];
  }
  return said;
}

/** What a layout is made for: names and needs, whatever their order. */
export function structureOf(steps) {
  return JSON.stringify(steps.map((step) => [step.name, [...(step.needs || [])].sort()]).sort((a, b) => (a[0] < b[0] ? -1 : 1)));
}

/** The scale and shift with which all of a layout is in the middle of a window. */
export function fit(layout, view, { margin = 24, most = 1.25, least = 0 } = {}) {
  const wide = (view.width - 2 * margin) / Math.max(1, layout.width);
  const high = (view.height - 2 * margin) / Math.max(1, layout.height);
  const scale = Math.max(least, Math.min(most, wide, high));
  return { scale, x: (view.width - layout.width * scale) / 2, y: (view.height - layout.height * scale) / 2 };
}

/** The nearest shift that keeps a layout in view: in the middle where it is smaller, without empty edges where larger. */
export function held(camera, layout, view, margin = 24) {
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

/** The same camera with another scale; the point of the window at `at` stays where it is. */
export function zoomed(camera, scale, at) {
  const ratio = scale / camera.scale;
  return { scale, x: at.x - (at.x - camera.x) * ratio, y: at.y - (at.y - camera.y) * ratio };
}

/** The camera moved so that a box is in the middle. */
export function centred(camera, node, view) {
  const { scale } = camera;
  return {
    scale,
    x: view.width / 2 - (node.x + BOX.width / 2) * scale,
    y: view.height / 2 - (node.y + BOX.height / 2) * scale,
  };
}

/** The camera moved no more than is needed for a box to be whole in view. */
export function revealing(camera, node, view, margin = 32) {
  const axis = (shift, from, length, room) => {
    const start = from * camera.scale + shift;
    const end = start + length * camera.scale;
    if (start < margin) return shift + margin - start;
    return end > room - margin ? shift - (end - room + margin) : shift;
  };
  return {
    scale: camera.scale,
    x: axis(camera.x, node.x, BOX.width, view.width),
    y: axis(camera.y, node.y, BOX.height, view.height),
  };
}

/** The step an arrow key leads to: along a line to the left or right, in the same column up or down. */
export function neighbour(layout, name, key) {
  const at = new Map(layout.nodes.map((node) => [node.name, node]));
  const here = at.get(name);
  if (!here) return null;
  const far = (node) => Math.abs(node.y - here.y) + Math.abs(node.x - here.x) / 1e3;
  const closest = (nodes) => nodes.sort((a, b) => far(a) - far(b))[0] || null;
  const among = {
    ArrowRight: () => layout.edges.filter((edge) => edge.from === name).map((edge) => at.get(edge.to)),
    ArrowLeft: () => layout.edges.filter((edge) => edge.to === name).map((edge) => at.get(edge.from)),
    ArrowUp: () => layout.nodes.filter((node) => node.x === here.x && node.y < here.y),
    ArrowDown: () => layout.nodes.filter((node) => node.x === here.x && node.y > here.y),
  }[key];
  const found = among ? closest(among().filter(Boolean)) : null;
  return found ? found.name : null;
}

/** As much of a text as fits; letters of the far east are twice as wide. */
export function shortened(text, room) {
  let width = 0;
  let fits = "";
  for (const letter of text) {
    width += letter > "\u2e80" ? 2 : 1;
    if (width > room) return `${fits.slice(0, -1)}…`;
    fits += letter;
  }
  return text;
}

/** The name of a step in one line or two: broken behind a sign such as a hyphen, cut in the middle where it is too long. */
export function nameLines(name, room) {
  if (name.length <= room) return [name];
  if (name.length > 2 * room) return [name.slice(0, room), `…${name.slice(1 - room)}`];
  const least = name.length - room;
  const middle = Math.ceil(name.length / 2);
  let at = 0;
  for (let place = least; place <= room; place += 1) {
    if ("-._".includes(name[place - 1]) && Math.abs(place - middle) < Math.abs(at - middle)) at = place;
  }
  at = at || middle;
  return [name.slice(0, at), name.slice(at)];
}

/** What an edge is: done when its first step succeeded, live when its second runs now, else ahead. */
export function edgeState(from, to) {
  if (["running", "retrying"].includes(to)) return "live";
  return from === "succeeded" ? "done" : "ahead";
}
