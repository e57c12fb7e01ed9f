// Pans and zooms what is inside an SVG: by dragging, wheel, pinch and keys. Moves one group; nothing is drawn anew.

import { BOX, centred, fit, held, revealing, zoomed } from "./chartlayout.js";

const LEAST = 0.08;
const MOST = 3;
const LEGIBLE = 0.65; // smaller than this only shapes and colours are drawn: an overview
export const OVERVIEW = 0.2; // a chart that would begin smaller begins at the step that matters
const STEP = 1.3;
const BUTTONS = { width: 170, height: 54 };
const CLICK = 5; // pixels a click may move

export class Camera {
  constructor(svg, world) {
    this.svg = svg;
    this.world = world;
    this.layout = { width: 1, height: 1, nodes: [] };
    this.strip = false;
    this.at = { scale: 1, x: 0, y: 0 };
    this.moved = false; // by somebody: then it stays where it was put
    this.fingers = new Map();
    this.dragged = false;
    this.listen();
    new ResizeObserver(() => this.resized()).observe(svg);
  }

  /** The window; without the strip of the buttons where a step would lie under them. */
  get view() {
    const { clientWidth: width, clientHeight: height } = this.svg;
    return { width: width || 1, height: Math.max(1, this.strip ? height - BUTTONS.height : height) };
  }

  /** Another chart: all of it, or the part around `node` where even its shapes would be too small. */
  show(layout, node) {
    this.layout = layout;
    this.node = node;
    this.moved = false;
    this.begin();
  }

  begin() {
    this.strip = false;
    const whole = fit(this.layout, this.view);
    this.strip = whole.scale < LEGIBLE || this.covers(whole);
    this.at = fit(this.layout, this.view);
    if (this.at.scale < OVERVIEW) {
      this.at = { scale: OVERVIEW, x: 24, y: (this.view.height - this.layout.height * OVERVIEW) / 2 };
      if (this.node) this.at = centred(this.at, this.node, this.view);
    }
    this.apply();
  }

  /** Whether a step would lie under the buttons. */
  covers({ scale, x, y }) {
    const { width, height } = this.view;
    return this.layout.nodes.some((node) =>
      (node.x + BOX.width) * scale + x > width - BUTTONS.width && (node.y + BOX.height) * scale + y > height - BUTTONS.height);
  }

  fitAll() {
    this.moved = true;
    this.at = fit(this.layout, this.view, { least: LEAST });
    this.apply();
  }

  resized() {
    if (this.moved) this.apply();
    else this.begin();
  }

  reveal(node) {
    this.moved = true;
    this.at = revealing(this.at, node, this.view);
    this.apply();
  }

  zoom(by, at = { x: this.view.width / 2, y: this.view.height / 2 }) {
    this.moved = true;
    const least = Math.min(LEAST, fit(this.layout, this.view).scale);
    this.at = zoomed(this.at, Math.max(least, Math.min(MOST, this.at.scale * by)), at);
    this.apply();
  }

  pan(x, y) {
    this.moved = true;
    this.at = { ...this.at, x: this.at.x + x, y: this.at.y + y };
    this.apply();
  }

  apply() {
    this.at = held(this.at, this.layout, this.view);
    const { scale, x, y } = this.at;
    this.world.setAttribute("transform", `translate(${Math.round(x)} ${Math.round(y)}) scale(${Math.round(scale * 1000) / 1000})`);
    this.svg.dataset.far = String(scale < LEGIBLE);
  }

  /** Whether there is more than is in view. */
  get larger() {
    return this.layout.width * this.at.scale > this.view.width || this.layout.height * this.at.scale > this.view.height;
  }

  key(key) {
    if (key === "+" || key === "=") this.zoom(STEP);
    else if (key === "-" || key === "−") this.zoom(1 / STEP);
    else if (key === "0") this.fitAll();
    else return false;
    return true;
  }

  listen() {
    const { svg } = this;
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, (event) => this.up(event));
    svg.addEventListener("click", (event) => this.dragged && event.preventDefault(), true);
    svg.addEventListener("dragstart", (event) => event.preventDefault());
  }

  place(event) {
    const box = this.svg.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  wheel(event) {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0022)), this.place(event));
    } else if (this.larger) {
      const before = this.at;
      const unit = event.deltaMode ? 16 : 1;
      const [x, y] = event.shiftKey ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      this.pan(-x * unit, -y * unit);
      if (before.x !== this.at.x || before.y !== this.at.y) event.preventDefault();
    }
  }

  down(event) {
    if (event.button) return;
    this.fingers.set(event.pointerId, this.place(event));
    if (this.fingers.size === 1) {
      this.dragged = false;
      this.origin = this.place(event);
    }
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = this.place(event);
    if (!this.dragged && Math.hypot(now.x - this.origin.x, now.y - this.origin.y) < CLICK) return;
    if (!this.dragged) {
      this.dragged = true;
      this.svg.setPointerCapture(event.pointerId);
    }
    const others = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.fingers.set(event.pointerId, now);
    if (!others.length) {
      this.pan(now.x - before.x, now.y - before.y);
      return;
    }
    const [other] = others;
    const apart = (place) => Math.max(1, Math.hypot(place.x - other.x, place.y - other.y));
    this.zoom(apart(now) / apart(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  up(event) {
    this.fingers.delete(event.pointerId);
    if (!this.fingers.size) window.setTimeout(() => (this.dragged = false), 0); // after the click that ends a drag
  }
}
