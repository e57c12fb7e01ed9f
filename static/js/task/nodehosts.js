// The hosts of a step in its box of the chart: a cell for each, and a mark around the wave under way. Built once; a change
// of state changes attributes and texts and makes no element.

import { setText, svg } from "../ui/dom.js";
import { BOX } from "./chartlayout.js";
import { SIDE, hostCells } from "./hostcells.js";
import { hostText, sizesOfWaves, waveUnderWay } from "./hosts.js";
import { placedPath } from "./shapepath.js";
import { shapeOf } from "./states.js";

/** @import { Target } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { HostStep } from "./hosts.js" */
/** @import { HostCells } from "./hostcells.js" */

/** The part of a cell that its symbol takes. */
const SIGN = 0.62;

/**
 * Makes the cells of hosts, and the marks of their waves.
 * @param {HostCells} grid
 * @param {Target[]} targets
 * @param {{isTitled?: boolean}} options whether each cell has a text for the pointer
 */
export function makeHostCells({ size, cells, runs }, targets, { isTitled = false } = {}) {
  const marks = runs.map(({ wave, x, y, width }) => ({
    wave, element: svg("rect", { class: "wave", x, y, width, height: size, rx: size / 4 }),
  }));
  const drawn = targets.map(({ host }, index) => {
    const { x, y } = cells[index];
    const sign = svg("path", { class: "sign" });
    const title = isTitled ? svg("title") : null;
    const inset = size * 0.09;
    const side = round(size - 2 * inset);
    const element = svg("g", { class: "host", "data-host": host }, title,
      svg("rect", { class: "tile", x: round(x + inset), y: round(y + inset), width: side, height: side, rx: round(size / 6) }), sign);
    return { element, sign, title, x, y, state: "", text: "" };
  });
  const element = svg("g", { class: "hosts" }, marks.map((mark) => mark.element), drawn.map((cell) => cell.element));
  element.style.setProperty("--pen", String((size * SIGN) / 18));
  return { element, marks, cells: drawn, size };
}

/**
 * Shows the states of hosts in their cells.
 * @param {ReturnType<typeof makeHostCells>} view
 * @param {HostStep} step
 * @param {Texts} texts
 */
export function drawHostCells({ marks, cells, size }, step, texts) {
  const shift = (size * (1 - SIGN)) / 2;
  const wave = waveUnderWay(step);
  const waves = step.targets[step.targets.length - 1].wave;
  for (const mark of marks) mark.element.classList.toggle("current", waves > 1 && mark.wave === wave);
  step.targets.forEach((target, index) => {
    const cell = cells[index];
    if (!cell) return;
    if (cell.state !== target.state) {
      cell.state = target.state;
      cell.element.dataset.state = target.state;
      cell.sign.setAttribute("d", placedPath(shapeOf(target.state), cell.x + shift, cell.y + shift, (size * SIGN) / 18));
    }
    if (!cell.title) return;
    const key = `${target.state} ${target.reason} ${target.message || ""}`;
    if (key === cell.text) return;
    cell.text = key;
    setText(cell.title, hostText(target, waves, texts));
  });
}

/**
 * Makes the cells of a step's box, or nothing for a step without hosts.
 * @param {HostStep} step
 */
export function makeNodeHosts(step) {
  const view = makeHostCells(hostCells(sizesOfWaves(step.targets)), step.targets, { isTitled: true });
  view.element.setAttribute("transform", `translate(${SIDE} ${BOX.height - 1})`);
  return view;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
