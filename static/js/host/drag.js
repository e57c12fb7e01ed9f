// Drags a row by its handle, with a mouse, a pen or a finger. Esc drops it where it was.

/** @typedef {{element: HTMLElement}} Draggable */

/**
 * @template {Draggable} Row
 * @typedef {object} DragListener
 * @property {(row: Row, y: number) => void} moved
 * @property {(row: Row, y: number) => void} dropped
 * @property {() => void} ended in any case, before `dropped`
 */

/** How near to the edge of the window a row scrolls the page, in pixels. */
const EDGE = 60;
const SCROLL_STEP = 12;

/** @template {Draggable} Row */
export class Drag {
  /** @param {DragListener<Row>} on */
  constructor(on) {
    this.on = on;
    /** @type {Row | null} */
    this.row = null;
    this.from = 0;
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.end());
  }

  /**
   * @param {HTMLElement} handle
   * @param {Row} row
   */
  watch(handle, row) {
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.row) return;
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      this.row = row;
      this.from = event.clientY + window.scrollY;
      row.element.classList.add("dragged");
    });
    handle.addEventListener("pointermove", (event) => {
      if (this.row !== row) return;
      row.element.style.transform = `translateY(${event.clientY + window.scrollY - this.from}px)`;
      scrollAtEdge(event.clientY);
      this.on.moved(row, event.clientY);
    });
    handle.addEventListener("pointerup", (event) => {
      if (this.row !== row) return;
      const y = event.clientY;
      this.end();
      this.on.dropped(row, y);
    });
    handle.addEventListener("pointercancel", () => this.row === row && this.end());
  }

  end() {
    const { row } = this;
    if (!row) return;
    this.row = null;
    row.element.classList.remove("dragged");
    row.element.style.transform = "";
    this.on.ended();
  }
}

/** @param {number} y */
function scrollAtEdge(y) {
  if (y < EDGE) window.scrollBy(0, -SCROLL_STEP);
  else if (y > window.innerHeight - EDGE) window.scrollBy(0, SCROLL_STEP);
}
