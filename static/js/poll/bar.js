// One bar: an empty SVG whose width is an attribute, so that script, an old browser and a page without script draw
// it alike and nothing needs an inline style. Colour and pattern come from the stylesheet.

import { h, svg } from "../ui/dom.js";

/** `limit` is the share at which a line stands across the bar, null for none. */
export function bar(row, limit = null) {
  const fill = svg("svg", { class: `bar c${row.colour} p${row.pattern}`, width: "0%", "aria-hidden": "true" });
  const line = limit === null ? null : svg("svg", { class: "limit", width: "100%", height: "100%", "aria-hidden": "true" },
    ["under", "over"].map((name) => svg("line", { class: name, x1: width(limit), x2: width(limit), y1: "0", y2: "100%" })));
  return { element: h("span", { class: "track" }, fill, line), set: (share) => fill.setAttribute("width", width(share)) };
}

/** The thin bar of the round before. */
export function ghost() {
  const fill = svg("svg", { class: "bar", width: "0%", "aria-hidden": "true" });
  return { element: h("span", { class: "ghost" }, fill), set: (share) => fill.setAttribute("width", width(share)) };
}

export function width(share) {
  return `${Math.round(share * 1000) / 10}%`;
}
