// The host's list of items: rows in the wall's order, moved by drag, by Alt and an arrow, or by their buttons.

import { keepFocus } from "../ui/dom.js";
import { moves } from "./keys.js";
import { placeAt } from "./order.js";
import { Drag } from "./drag.js";
import { HostRow } from "./itemrow.js";

export class HostList {
  /** `on` has what the rows do, and moveTo(item, place) and moveBy(item, by). */
  constructor(element, tools, on) {
    this.tools = tools;
    this.on = on;
    this.rows = new Map();
    this.order = [];
    this.element = element;
    element.addEventListener("keydown", (event) => this.key(event));
    this.drag = new Drag({
      moved: (row, y) => this.mark(row, y),
      dropped: (row, y) => this.drop(row, y),
      ended: () => this.unmark(),
    });
  }

  /** `entryOf(item)` is what there is to say of an item. */
  update({ items, active }, entryOf) {
    if (this.drag.row) return; // nothing moves under a finger
    const held = document.activeElement;
    for (const [item, row] of this.rows) {
      if (items.includes(item)) continue;
      row.element.remove();
      this.rows.delete(item);
    }
    for (const item of items) if (!this.rows.has(item)) this.rows.set(item, this.make(item));
    if (items.join() !== this.order.join() || this.element.childElementCount !== items.length) this.arrange(items);
    this.order = [...items];
    items.forEach((item, place) => this.rows.get(item).update({ place, entry: entryOf(item), active: item === active }));
    keepFocus(held, () => this.element.parentElement.querySelector("h2"));
  }

  make(item) {
    const row = new HostRow(item, this.tools, this.on);
    this.drag.watch(row.handle, row);
    return row;
  }

  /** What has the focus stays where it is in the document, and the others are put around it. */
  arrange(items) {
    const rows = items.map((item) => this.rows.get(item).element);
    const held = rows.find((row) => row.contains(document.activeElement));
    const place = rows.indexOf(held);
    rows.forEach((row, index) => {
      if (row === held) return;
      if (held && index < place) this.element.insertBefore(row, held);
      else this.element.append(row);
    });
  }

  key(event) {
    const by = moves(event);
    if (!by) return;
    const row = [...this.rows.values()].find(({ element }) => element.contains(event.target));
    if (!row) return;
    event.preventDefault();
    this.on.moveBy(row.item, by);
  }

  target(row, y) {
    const middles = this.order.map((item) => {
      const box = this.rows.get(item).element.getBoundingClientRect();
      return box.top + Math.min(box.height, 64) / 2;
    });
    const from = this.order.indexOf(row.item);
    return { from, to: placeAt(middles, from, y) };
  }

  mark(row, y) {
    const { from, to } = this.target(row, y);
    const others = this.order.filter((item) => item !== row.item);
    this.unmark();
    if (to === from) return;
    const next = others[to];
    this.rows.get(next || others[others.length - 1]).element.classList.add(next ? "before" : "after");
  }

  unmark() {
    for (const { element } of this.rows.values()) element.classList.remove("before", "after");
  }

  drop(row, y) {
    const { from, to } = this.target(row, y);
    if (to !== from) this.on.moveTo(row.item, to);
  }
}
