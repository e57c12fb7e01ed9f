// Which part of a log is in view, and where the scroll bar stands. Pure.

/** @typedef {(line: number) => number} HeightOf the height of a line in pixels */

/**
 * The viewport is kept as the first line in view and how many pixels of it are above the upper edge. The scroll bar
 * assumes that all lines have the same height. Where they do not, because lines are wrapped, or where the log is higher
 * than browsers allow an element to be, the bar is loose: scrolling moves by pixels, and the bar is corrected afterwards.
 */
export class Viewport {
  /** @param {{row: number, tallest?: number}} options the height of a line, and of the highest element */
  constructor({ row, tallest = 4_000_000 }) {
    this.row = row;
    this.tallest = tallest;
    this.wrapped = false;
    this.line = 1;
    this.above = 0;
  }

  /** @param {number} count lines of the log */
  isLoose(count) {
    return this.wrapped || count * this.row > this.tallest;
  }

  /**
   * Returns the height of the content that scrolls. A loose bar can move beyond both ends.
   * @param {number} count
   * @param {number} view the height of the window
   */
  scrollHeight(count, view) {
    const nominal = Math.min(this.tallest, count * this.row);
    return this.isLoose(count) ? nominal + 4 * view : Math.max(view, nominal);
  }

  /**
   * Moves by pixels, and stays within the log.
   * @param {number} pixels
   * @param {number} count
   * @param {number} view
   * @param {HeightOf} heightOf
   */
  move(pixels, count, view, heightOf) {
    this.above += pixels;
    while (this.above < 0 && this.line > 1) {
      this.line -= 1;
      this.above += heightOf(this.line);
    }
    while (this.line < count && this.above >= heightOf(this.line)) {
      this.above -= heightOf(this.line);
      this.line += 1;
    }
    this.clamp(count, view, heightOf);
  }

  /**
   * Moves neither before the first line nor beyond the last.
   * @param {number} count
   * @param {number} view
   * @param {HeightOf} heightOf
   */
  clamp(count, view, heightOf) {
    if (this.above < 0) this.above = 0;
    this.line = Math.max(1, Math.min(this.line, Math.max(1, count)));
    if (this.heightBelow(count, view, heightOf) < view) this.moveToEnd(count, view, heightOf);
  }

  /**
   * Returns the height of the lines from the upper edge on, measured only as far as the window reaches.
   * @param {number} count
   * @param {number} view
   * @param {HeightOf} heightOf
   */
  heightBelow(count, view, heightOf) {
    let below = -this.above;
    for (let number = this.line; number <= count && below <= view + 2; number += 1) below += heightOf(number);
    return below;
  }

  /**
   * Puts the last line at the lower edge.
   * @param {number} count
   * @param {number} view
   * @param {HeightOf} heightOf
   */
  moveToEnd(count, view, heightOf) {
    this.line = Math.max(1, count + 1);
    this.above = 0;
    let room = view;
    while (room > 0 && this.line > 1) {
      this.line -= 1;
      room -= heightOf(this.line);
    }
    this.above = Math.max(0, -room);
  }

  /**
   * @param {number} count
   * @param {number} view
   * @param {HeightOf} heightOf
   */
  isAtEnd(count, view, heightOf) {
    return this.heightBelow(count, view, heightOf) <= view + 2;
  }

  /**
   * Brings a line to the upper third of the window, unless the log is shorter.
   * @param {number} number
   * @param {number} count
   * @param {number} view
   * @param {HeightOf} heightOf
   */
  showLine(number, count, view, heightOf) {
    this.line = Math.max(1, Math.min(number, count || 1));
    this.above = 0;
    this.move(-Math.floor(view / 3), count, view, heightOf);
  }

  /**
   * Returns where the scroll bar stands for this part of the log.
   * @param {number} count
   * @param {number} view
   * @param {HeightOf} heightOf
   */
  scrollTop(count, view, heightOf) {
    const most = this.scrollHeight(count, view) - view;
    const hidden = Math.max(1, count * this.row - view);
    const share = Math.min(1, ((this.line - 1) * this.row + Math.min(this.above, this.row - 1)) / hidden);
    if (!this.isLoose(count)) return share * most;
    if (this.line === 1 && this.above === 0) return 0;
    if (this.isAtEnd(count, view, heightOf)) return most;
    return Math.max(view, Math.min(most - view, view + share * (most - 2 * view)));
  }

  /**
   * Follows the scroll bar, which was dragged somewhere.
   * @param {number} scrollTop
   * @param {number} count
   * @param {number} view
   * @param {HeightOf} heightOf
   */
  scrollTo(scrollTop, count, view, heightOf) {
    const most = this.scrollHeight(count, view) - view;
    const hidden = Math.max(0, count * this.row - view);
    const slack = this.isLoose(count) ? view : 0;
    const share = Math.max(0, Math.min(1, (scrollTop - slack) / Math.max(1, most - 2 * slack)));
    const at = share * hidden;
    this.line = Math.floor(at / this.row) + 1;
    this.above = Math.min(at % this.row, heightOf(this.line) - 1);
    if (scrollTop >= most - 1) this.moveToEnd(count, view, heightOf);
    else this.clamp(count, view, heightOf);
  }
}
