// Dragging a row by its handle, with a mouse, a pen or a finger. Esc lets go of it where it was.

export class Drag {
  /** `moved(row, y)` while it is dragged, `dropped(row, y)` where it is let go, `ended()` in any case. */
  constructor({ moved, dropped, ended }) {
    this.on = { moved, dropped, ended };
    this.row = null;
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.row && this.end());
  }

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
      this.scroll(event.clientY);
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

  /** The page goes along where a row is dragged to its edge. */
  scroll(y) {
    const edge = 60;
    if (y < edge) window.scrollBy(0, -12);
    else if (y > window.innerHeight - edge) window.scrollBy(0, 12);
  }

  end() {
    const { row } = this;
    this.row = null;
    row.element.classList.remove("dragged");
    row.element.style.transform = "";
    this.on.ended();
  }
}
