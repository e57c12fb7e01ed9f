// What this browser has seen of something, by name. Kept until the browser forgets it.

export class SeenStorage {
  /** @param {string} name */
  constructor(name) {
    this.prefix = `livewall.seen.${name}`;
    /** @type {Map<string, string>} where storage is blocked, it holds until the page is left */
    this.held = new Map();
  }

  /** @param {string} part */
  get(part) {
    const held = this.held.get(part);
    if (held !== undefined) return held;
    try {
      return localStorage.getItem(`${this.prefix}.${part}`);
    } catch {
      return null;
    }
  }

  /**
   * @param {string} part
   * @param {string} mark
   */
  set(part, mark) {
    this.held.set(part, mark);
    try {
      localStorage.setItem(`${this.prefix}.${part}`, mark);
    } catch {
      // As above.
    }
  }
}
