// Keeps a list still while somebody points at it: nothing in it moves, and what is new is held back unless it stands at
// the end. Pure.

/**
 * @typedef {object} Arranged
 * @property {number[]} keys what is shown, in this order
 * @property {number} heldBack how many new ones are not shown yet
 */

/**
 * @param {number[]} shown the keys on the page, in their order
 * @param {number[]} wanted the keys in the order in which they belong now
 * @param {boolean} isHeld
 * @returns {Arranged}
 */
export function arrange(shown, wanted, isHeld) {
  if (!isHeld || !shown.length) return { keys: wanted, heldBack: 0 };
  const known = new Set(shown);
  // What follows everything that is shown moves nothing.
  let end = wanted.length;
  while (end > 0 && !known.has(wanted[end - 1])) end -= 1;
  const below = wanted.slice(end);
  const heldBack = wanted.slice(0, end).filter((key) => !known.has(key)).length;
  return { keys: [...shown, ...below], heldBack };
}

/** Whether the list is held: while something points at it, and for a moment afterwards. */
export class Hold {
  /** @param {number} rest the milliseconds for which the list is still held when nothing points at it any more */
  constructor(rest) {
    this.rest = rest;
    /** @type {Set<string>} */
    this.reasons = new Set();
    this.until = -Infinity;
  }

  /** @param {string} reason such as "finger" */
  begin(reason) {
    this.reasons.add(reason);
  }

  /**
   * @param {string} reason
   * @param {number} now
   */
  end(reason, now) {
    if (this.reasons.delete(reason) && !this.reasons.size) this.until = now + this.rest;
  }

  /** Lets go at once, because the reader asked for what is new. */
  release() {
    this.reasons.clear();
    this.until = -Infinity;
  }

  /** @param {number} now */
  isHeld(now) {
    return this.reasons.size > 0 || now < this.until;
  }

  /**
   * Milliseconds until it is let go, or null if that is not known, or has happened.
   * @param {number} now
   */
  remaining(now) {
    return this.reasons.size || now >= this.until ? null : this.until - now;
  }
}
