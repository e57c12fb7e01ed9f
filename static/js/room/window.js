// Which messages are on the page: a range of numbers of bounded length that moves as the reader scrolls. Without a DOM.

/** The most messages on the page. */
export const MOST = 150;
/** By how many the range moves when an end of it comes into view. */
export const STEP = 50;

export class MessageWindow {
  constructor() {
    this.first = 1;
    this.last = 0;
    /** The number of the newest message. */
    this.count = 0;
    /** Whether the reader is at the newest message, and stays there. */
    this.follows = true;
  }

  get isAtStart() {
    return this.first <= 1;
  }

  get isAtEnd() {
    return this.last >= this.count;
  }

  /**
   * Takes the number of the newest message.
   * @param {number} count
   */
  grow(count) {
    if (count < this.count) this.last = Math.min(this.last, count);
    const wasAtEnd = this.isAtEnd;
    this.count = count;
    if (this.follows) {
      this.last = count;
      if (this.last - this.first + 1 > MOST) this.first = this.last - MOST + STEP + 1;
      if (!wasAtEnd) this.showEnd();
    } else if (wasAtEnd) {
      // The reader looks at older ones: newer ones are added below as long as there is room.
      this.last = Math.min(count, this.first + MOST - 1);
    }
    if (this.first > this.last) this.first = Math.max(1, this.last - STEP + 1);
  }

  /** Shows the newest messages. */
  showEnd() {
    this.follows = true;
    this.last = this.count;
    this.first = Math.max(1, this.last - STEP + 1);
  }

  /** Adds older messages. Returns whether there are any. */
  showOlder() {
    if (this.isAtStart) return false;
    this.first = Math.max(1, this.first - STEP);
    this.last = Math.min(this.last, this.first + MOST - 1);
    return true;
  }

  /** Adds newer messages. Returns whether there are any. */
  showNewer() {
    if (this.isAtEnd) return false;
    this.last = Math.min(this.count, this.last + STEP);
    this.first = Math.max(this.first, this.last - MOST + 1);
    return true;
  }

  /**
   * Shows a message with those around it, unless it is shown already.
   * @param {number} number
   */
  showAround(number) {
    this.follows = false;
    if (number >= this.first && number <= this.last) return;
    this.last = Math.min(this.count, number + STEP / 2);
    this.first = Math.max(1, this.last - STEP + 1);
  }
}
