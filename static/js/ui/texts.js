// The part of the text catalogue that the page needs, from its data block.

/** @import { ApiError } from "../net/wire.d.ts" */

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

  /**
   * Returns an error in words: what is wrong with the input, or else the text of its code, in the words of a group of texts
   * where it has its own.
   * @param {ApiError} error
   * @param {string} group
   */
  error(error, group) {
    const fields = Object.values(error.fields || {});
    if (fields.length) return fields.join(" ");
    const own = `${group}.error.${error.code}`;
    return this.say(this.has(own) ? own : `error.${error.code}`);
  }

  /** @param {string} key */
  has(key) {
    return key in this.table;
  }
}
