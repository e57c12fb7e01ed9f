// Kinds of polls: one module each, behind one interface. What is particular to a kind on the server is in
// livewall/voting/kinds.

import { multi } from "./multi.js";
import { single } from "./single.js";

/** @import { Poll } from "../../net/wire.d.ts" */
/** @import { Texts } from "../../ui/texts.js" */

/**
 * What is particular to a kind of poll on a page.
 * @typedef {object} Kind
 * @property {string} markClass the class of the sign that an option is marked
 * @property {(poll: Poll) => boolean} castsOnTap whether a tap casts the ballot at once
 * @property {(poll: Poll, marked: string[], id: string) => string[] | null} mark returns the options that are marked
 *   after a tap on `id`; null if that would be one too many
 * @property {(poll: Poll, texts: Texts) => string} invitation tells a voter what to do
 * @property {(poll: Poll, texts: Texts) => string} rule stands beside a result
 * @property {(maximum: number | string | null, options: number) => {max_choices: number | string}} formFields returns
 *   what the form gives the API; `maximum` is what its field holds, null if it is empty
 * @property {(poll: Poll) => string} formMaximum returns what that field holds for a poll
 */

/** @type {Map<string, Kind>} */
const kinds = new Map([["single", single], ["multi", multi]]);

/**
 * Takes in the kinds that installed packages add: each name, with the name of the module here that draws it.
 * @param {Record<string, string>} [pages]
 */
export function adoptKinds(pages = {}) {
  for (const [name, page] of Object.entries(pages)) {
    const kind = kinds.get(page);
    if (kind && !kinds.has(name)) kinds.set(name, kind);
  }
}

/**
 * Returns the kind of a poll; for one that this page does not know, the simplest.
 * @param {string} name
 */
export function kindOf(name) {
  return kinds.get(name) || single;
}

/** Returns the names of all kinds, in the order in which a form offers them. */
export function kindNames() {
  return [...kinds.keys()];
}
