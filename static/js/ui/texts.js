// The part of the text catalogue that the page needs, from its data block.

/** @typedef {(value: number) => string} FormatNumber writes a number in the language of the page */

export class Texts {
  /** @param {Record<string, string | {one: string, other: string}>} table */
  constructor(table) {
    this.table = table;
  }

  /**
   * Returns the text of `key` with each %(name)s filled in, for a `count` in its singular or plural.
   * @param {string} key
   * @param {Record<string, unknown>} values
   * @param {number | null} count
   */
  say(key, values = {}, count = null) {
    const entry = this.table[key];
    if (entry === undefined) return key;
    const text = typeof entry === "string" ? entry : entry[count === 1 ? "one" : "other"];
    return text.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));
  }

  /** @param {string} key */
  has(key) {
    return key in this.table;
  }
}
