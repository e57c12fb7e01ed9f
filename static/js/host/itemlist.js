// The host's list of items: rows in the wall's order, moved by dragging, by Alt and an arrow key, or by their buttons.

import { keepFocus } from "../ui/dom.js";
import { Drag } from "./drag.js";
import { ItemRow } from "./itemrow.js";
import { movement } from "./keys.js";
import { placeAt } from "./order.js";

/** @import { Stream, Wall } from "../net/wire.d.ts" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { RowListener } from "./itemrow.js" */
/** @import { Item } from "./wallmodel.js" */

/** A row that is open is taller than this, in pixels; its middle is then that of its first line. */
const CLOSED_HEIGHT = 64;

/** @typedef {RowListener & {moveTo: (item: Stream, place: number) => void}} ListListener */

export class ItemList {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, number: FormatNumber}} tools
   * @param {ListListener} on
   */
  constructor(element, tools, on) {
    this.element = element;
    this.tools = tools;
    this.on = on;
    /** @type {Map<Stream, ItemRow>} */
    this.rows = new Map();
    /** @type {ItemRow[]} the rows in their order */
    this.order = [];
    element.addEventListener("keydown", (event) => this.key(event));
    /** @type {Drag<ItemRow>} */
    this.drag = new Drag({
      moved: (row, y) => this.mark(row, y),
      dropped: (row, y) => this.drop(row, y),
      ended: () => this.unmark(),
    });
  }

  /**
   * @param {Pick<Wall, "items" | "active">} wall
   * @param {(item: Stream) => Item} itemOf
   */
  update({ items, active }, itemOf) {
    if (this.drag.row) return; // nothing moves under the finger
    const focused = document.activeElement;
    for (const [item, row] of this.rows) {
      if (items.includes(item)) continue;
      row.element.remove();
      this.rows.delete(item);
    }
    const order = items.map((item) => this.rowOf(item));
    const isSame = order.length === this.order.length && order.every((row, place) => row === this.order[place]);
    if (!isSame || this.element.childElementCount !== items.length) this.arrange(order.map(({ element }) => element));
    this.order = order;
    order.forEach((row, place) => row.update({ place, item: itemOf(row.item), isActive: row.item === active }));
    keepFocus(focused, () => this.element.parentElement && this.element.parentElement.querySelector("h2"));
  }

  /** @param {Stream} item */
  rowOf(item) {
    let row = this.rows.get(item);
    if (!row) {
      row = new ItemRow(item, this.tools, this.on);
      this.rows.set(item, row);
      this.drag.watch(row.handle, row);
    }
    return row;
  }

  /**
   * Arranges the rows around the one with the focus: a row that is moved in the document loses it.
   * @param {HTMLElement[]} rows
   */
  arrange(rows) {
    const focused = rows.find((row) => row.contains(document.activeElement)) || null;
    const focusedIndex = focused ? rows.indexOf(focused) : -1;
    rows.forEach((row, index) => {
      if (row === focused) return;
      if (focused && index < focusedIndex) this.element.insertBefore(row, focused);
      else this.element.append(row);
    });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const by = movement(event);
    if (!by) return;
    const { target } = event;
    const row = this.order.find(({ element }) => target instanceof Node && element.contains(target));
    if (!row) return;
    event.preventDefault();
    this.on.moveBy(row.item, by);
  }

  /**
   * @param {ItemRow} row
   * @param {number} y
   */
  placesOf(row, y) {
    const middles = this.order.map(({ element }) => {
      const box = element.getBoundingClientRect();
      return box.top + Math.min(box.height, CLOSED_HEIGHT) / 2;
    });
    const from = this.order.indexOf(row);
    return { from, to: placeAt(middles, from, y) };
  }

  /**
   * Marks the place to which a row is dragged, on the row before or after it.
   * @param {ItemRow} row
   * @param {number} y
   */
  mark(row, y) {
    const { from, to } = this.placesOf(row, y);
    const others = this.order.filter((each) => each !== row);
    this.unmark();
    if (to === from) return;
    const next = others[to];
    (next || others[others.length - 1]).element.classList.add(next ? "before" : "after");
  }

  unmark() {
    for (const { element } of this.order) element.classList.remove("before", "after");
  }

  /**
   * @param {ItemRow} row
   * @param {number} y
   */
  drop(row, y) {
    const { from, to } = this.placesOf(row, y);
    if (to !== from) this.on.moveTo(row.item, to);
  }
}
