// Pans and zooms the content of an SVG by dragging, wheel, pinch and keys. Moves one group; nothing is drawn again.

import { BOX, centerCamera, clampCamera, fitCamera, revealNode, zoomCamera } from "./chartlayout.js";

/** @import { CameraState, NodePlace, Place, Size } from "./chartlayout.js" */

/** @typedef {Size & {nodes: NodePlace[]}} Content */

const MIN_SCALE = 0.08;
const MAX_SCALE = 3;
/** At a smaller scale texts are hidden, and shapes and colours alone are drawn. */
const LEGIBLE_SCALE = 0.65;
/** A chart that would begin at a smaller scale begins at the step that matters. */
const OVERVIEW_SCALE = 0.2;
/** One of at most so many steps begins with their names, even if not all of them are in view. */
const NAMED_STEPS = 24;
/** Where not all of them are in view, the names may as well be larger than they have to be. */
const NAMED_SCALE = 0.8;

/**
 * Returns the scale at which a chart begins that would be in view as a whole at `fitted`.
 * @param {{nodes: unknown[]}} content
 * @param {number} fitted
 */
export function startScale({ nodes }, fitted) {
  if (nodes.length <= NAMED_STEPS && fitted < LEGIBLE_SCALE) return NAMED_SCALE;
  return Math.max(OVERVIEW_SCALE, fitted);
}
const ZOOM_STEP = 1.3;
/** The room that the buttons take in the lower right corner, in pixels. */
const BUTTONS = { width: 170, height: 54 };
/** A press that moves less than this many pixels is a click and not a drag. */
const CLICK_TOLERANCE = 5;

export class Camera {
  /**
   * @param {SVGSVGElement} svg
   * @param {SVGGElement} world
   */
  constructor(svg, world) {
    this.svg = svg;
    this.world = world;
    /** @type {Content} */
    this.content = { width: 1, height: 1, nodes: [] };
    /** @type {NodePlace | null} */
    this.focus = null;
    this.reservesButtons = false;
    /** @type {CameraState} */
    this.state = { scale: 1, x: 0, y: 0 };
    /** Whether the reader has moved it: then it stays there when the window changes its size. */
    this.moved = false;
    /** @type {Map<number, Place>} where each pointer is that is down */
    this.pointers = new Map();
    this.origin = { x: 0, y: 0 };
    this.dragged = false;
    this.listen();
    new ResizeObserver(() => this.resized()).observe(svg);
  }

  /**
   * The size of the window, without the strip of the buttons where a step would lie under them.
   * @returns {Size}
   */
  get view() {
    const { clientWidth: width, clientHeight: height } = this.svg;
    return { width: width || 1, height: Math.max(1, this.reservesButtons ? height - BUTTONS.height : height) };
  }

  /**
   * Shows another chart: all of it, or the part around `focus` where its names, or of many steps even their shapes, would
   * be too small.
   * @param {Content} content
   * @param {NodePlace | null} focus
   */
  show(content, focus) {
    this.content = content;
    this.focus = focus;
    this.moved = false;
    this.reset();
  }

  reset() {
    this.reservesButtons = false;
    const fitted = fitCamera(this.content, this.view);
    this.reservesButtons = fitted.scale < LEGIBLE_SCALE || this.coversStep(fitted);
    this.state = fitCamera(this.content, this.view);
    const scale = startScale(this.content, this.state.scale);
    if (this.state.scale < scale) {
      this.state = { scale, x: 24, y: (this.view.height - this.content.height * scale) / 2 };
      if (this.focus) this.state = centerCamera(this.state, this.focus, this.view);
    }
    this.apply();
  }

  /**
   * Whether a step would lie under the buttons.
   * @param {CameraState} state
   */
  coversStep({ scale, x, y }) {
    const { width, height } = this.view;
    return this.content.nodes.some((node) =>
      (node.x + BOX.width) * scale + x > width - BUTTONS.width && (node.y + (node.height || BOX.height)) * scale + y > height - BUTTONS.height);
  }

  /**
   * Brings another step into view, unless the reader has moved the chart.
   * @param {NodePlace | null} node
   */
  follow(node) {
    if (this.moved || !node || node === this.focus) return;
    this.focus = node;
    this.state = revealNode(this.state, node, this.view);
    this.apply();
  }

  fitAll() {
    this.moved = true;
    this.state = fitCamera(this.content, this.view, { least: MIN_SCALE });
    this.apply();
  }

  resized() {
    if (this.moved) this.apply();
    else this.reset();
  }

  /** @param {NodePlace} node */
  reveal(node) {
    this.moved = true;
    this.state = revealNode(this.state, node, this.view);
    this.apply();
  }

  /**
   * @param {number} factor
   * @param {Place} at the point of the window that stays where it is
   */
  zoom(factor, at = { x: this.view.width / 2, y: this.view.height / 2 }) {
    this.moved = true;
    const least = Math.min(MIN_SCALE, fitCamera(this.content, this.view).scale);
    this.state = zoomCamera(this.state, Math.max(least, Math.min(MAX_SCALE, this.state.scale * factor)), at);
    this.apply();
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  pan(x, y) {
    this.moved = true;
    this.state = { ...this.state, x: this.state.x + x, y: this.state.y + y };
    this.apply();
  }

  apply() {
    this.state = clampCamera(this.state, this.content, this.view);
    const { scale, x, y } = this.state;
    this.world.setAttribute("transform", `translate(${Math.round(x)} ${Math.round(y)}) scale(${Math.round(scale * 1000) / 1000})`);
    this.svg.dataset.far = String(scale < LEGIBLE_SCALE);
  }

  /** Whether the chart is larger than the window. */
  get isLarger() {
    return this.content.width * this.state.scale > this.view.width || this.content.height * this.state.scale > this.view.height;
  }

  /**
   * Handles a key; returns false for one that means nothing here.
   * @param {string} key
   */
  key(key) {
    if (key === "+" || key === "=") this.zoom(ZOOM_STEP);
    else if (key === "-" || key === "−") this.zoom(1 / ZOOM_STEP);
    else if (key === "0") this.fitAll();
    else return false;
    return true;
  }

  listen() {
    const { svg } = this;
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    svg.addEventListener("pointerup", (event) => this.up(event));
    svg.addEventListener("pointercancel", (event) => this.up(event));
    // The steps are links: a drag that ends on one must not follow it, and the browser must not drag the link itself.
    svg.addEventListener("click", (event) => this.dragged && event.preventDefault(), true);
    svg.addEventListener("dragstart", (event) => event.preventDefault());
  }

  /**
   * @param {MouseEvent} event
   * @returns {Place}
   */
  placeOf(event) {
    const box = this.svg.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    // Browsers report a pinch on a touchpad as a wheel with the Ctrl key. `deltaMode` tells lines from pixels.
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0022)), this.placeOf(event));
    } else if (this.isLarger) {
      const before = this.state;
      const unit = event.deltaMode ? 16 : 1;
      const [x, y] = event.shiftKey ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      this.pan(-x * unit, -y * unit);
      // At the edge of the chart the page scrolls on.
      if (before.x !== this.state.x || before.y !== this.state.y) event.preventDefault();
    }
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button) return;
    this.pointers.set(event.pointerId, this.placeOf(event));
    if (this.pointers.size === 1) {
      this.dragged = false;
      this.origin = this.placeOf(event);
    }
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.placeOf(event);
    if (!this.dragged && Math.hypot(now.x - this.origin.x, now.y - this.origin.y) < CLICK_TOLERANCE) return;
    if (!this.dragged) {
      this.dragged = true;
      // Captured only now: with the pointer captured, a click would go to the SVG and not to the step under it.
      this.svg.setPointerCapture(event.pointerId);
    }
    const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.pointers.set(event.pointerId, now);
    if (!other) {
      this.pan(now.x - before.x, now.y - before.y);
      return;
    }
    const distance = (/** @type {Place} */ place) => Math.max(1, Math.hypot(place.x - other.x, place.y - other.y));
    this.zoom(distance(now) / distance(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.pointers.delete(event.pointerId);
    // The click that ends a drag comes after this event.
    if (!this.pointers.size) window.setTimeout(() => { this.dragged = false; }, 0);
  }
}
