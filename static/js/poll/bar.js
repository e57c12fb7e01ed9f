// One bar: an empty SVG whose width is an attribute, so that scripts, old browsers and pages without script draw it in
// the same way and no inline style is needed, which the content security policy forbids. Colour and pattern come from
// the style sheet.

import { h, svg } from "../ui/dom.js";

/**
 * @typedef {object} Bar
 * @property {HTMLElement} element
 * @property {(share: number) => void} set
 */

/**
 * Makes the bar of a row. `limit` is the share at which a line crosses it.
 * @param {{colour: number, pattern: number}} row
 * @param {number | null} limit
 * @returns {Bar}
 */
export function bar(row, limit = null) {
  const fill = svg("svg", { class: `bar c${row.colour} p${row.pattern}`, width: "0%", "aria-hidden": "true" });
  const line = limit === null ? null : svg("svg", { class: "limit", width: "100%", height: "100%", "aria-hidden": "true" },
    ["under", "over"].map((name) => svg("line", { class: name, x1: width(limit), x2: width(limit), y1: "0", y2: "100%" })));
  return { element: h("span", { class: "track" }, fill, line), set: (share) => fill.setAttribute("width", width(share)) };
}

/**
 * Makes the thin bar of the round before.
 * @returns {Bar}
 */
export function previousBar() {
  const fill = svg("svg", { class: "bar", width: "0%", "aria-hidden": "true" });
  return { element: h("span", { class: "ghost" }, fill), set: (share) => fill.setAttribute("width", width(share)) };
}

/** @param {number} share */
function width(share) {
  return `${Math.round(share * 1000) / 10}%`;
}
