// One bar: an empty SVG whose width is an attribute, so that script, an old browser and a page without script draw
// it alike and nothing needs an inline style. Colour and pattern come from the stylesheet.

import { h, svg } from "../dom.js";

export function bar(row) {
  const fill = svg("svg", { class: `bar c${row.colour} p${row.pattern}`, width: "0%", "aria-hidden": "true" });
  return { element: h("span", { class: "track" }, fill), set: (share) => fill.setAttribute("width", width(share)) };
}

export function width(share) {
  return `${Math.round(share * 1000) / 10}%`;
}
