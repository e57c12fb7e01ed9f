// A step of a task on the projector: a box with its name and times, or a cell with a mark alone.

import { shapeOf } from "../task/states.js";
import { saidOf } from "../task/stepwords.js";
import { setText, svg } from "../ui/dom.js";
import { shorten } from "../ui/length.js";

/** @import { Step } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { PosterLayout } from "./posterlayout.js" */

export const MIN_FONT = 1.68; // letter height, in hundredths of the screen's width
const LETTER_WIDTH = 0.58; // in letter heights

/**
 * A step in the chart or a cell. A cell has a mark alone.
 * @typedef {object} StepNode
 * @property {SVGGElement} element
 * @property {SVGPathElement} mark
 * @property {{line: SVGTextElement, message: SVGTextElement | null, fill: SVGRectElement, lines: number, width: number,
 *   room: number} | null} text
 */

/**
 * @param {{name: string, x: number, y: number}} node
 * @param {PosterLayout} poster
 * @param {number} unit
 * @returns {StepNode}
 */
export function makeBox({ name, x, y }, { width, height, font, lines }, unit) {
  const pad = 0.6 * unit;
  const inset = pad + 1.55 * font; // of a text beside its mark
  const nameRoom = width - inset - pad - (lines === 1 ? 3 * font : 0);
  const hasMessage = lines === 3;
  const base = lines === 1 ? height / 2 + 0.36 * font : height / 2 - (hasMessage ? 0.82 : 0.2) * font;
  const small = Math.max(0.82 * font, MIN_FONT * unit);
  const text = (/** @type {string} */ kind, /** @type {number} */ at, more = {}, content = "") =>
    svg("text", { class: kind, x: inset, y: at, "font-size": small, ...more }, content || null);
  const mark = svg("path", { class: "mark" });
  const line = lines === 1 ? text("m", base, { x: width - pad, "text-anchor": "end" }) : text("m", base + (hasMessage ? 1.15 : 1.35) * font);
  const message = hasMessage ? text("m", base + 2.15 * font) : null;
  const fill = svg("rect", { class: "fill", x: pad, y: height - 0.36 * font, height: 0.16 * font, rx: 0.08 * font, width: 0 });
  const element = svg("g", { class: "n", transform: `translate(${x} ${y})` },
    svg("rect", { class: "box", width, height, rx: Math.min(0.7 * unit, height / 4) }),
    svg("g", { transform: `translate(${pad} ${base - 0.92 * font}) scale(${(1.15 * font) / 18})` }, mark),
    text("t", base, { "font-size": font }, shorten(name, Math.floor(nameRoom / (LETTER_WIDTH * font)))),
    line, message, fill);
  const room = Math.floor((width - inset - pad) / (LETTER_WIDTH * small));
  return { element, mark, text: { line, message, fill, lines, width: width - 2 * pad, room } };
}

/**
 * @param {{x: number, y: number}} place
 * @param {number} size
 * @returns {StepNode}
 */
export function makeCell({ x, y }, size) {
  const mark = svg("path", { class: "mark" });
  const element = svg("g", { class: "n cell", transform: `translate(${x} ${y})` },
    svg("rect", { class: "box", width: size * 0.86, height: size * 0.86, rx: size * 0.14 }),
    svg("g", { transform: `translate(${size * 0.13} ${size * 0.13}) scale(${(size * 0.6) / 18})` }, mark));
  return { element, mark, text: null };
}

/**
 * @param {StepNode | undefined} node
 * @param {Step} step
 * @param {Texts} texts
 */
export function drawNode(node, step, texts) {
  if (!node) return;
  if (node.element.dataset.state !== step.state) {
    node.element.dataset.state = step.state;
    node.mark.setAttribute("d", shapeOf(step.state));
  }
  if (node.text && node.text.message) setText(node.text.message, shorten(saidOf(step, texts), node.text.room));
}
