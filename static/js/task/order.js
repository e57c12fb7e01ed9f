// The order in which the steps of a task are listed. Pure.

/** @import { Step } from "../net/wire.d.ts" */

/**
 * Returns the steps in the order of `known` where it names them, and each other step after the steps it needs. Events
 * name the steps in the order in which they changed, which is no order to show them in.
 * @param {Step[]} steps
 * @param {string[]} known
 * @returns {Step[]}
 */
export function sortSteps(steps, known = []) {
  const knownIndex = new Map(known.map((name, index) => [name, index]));
  const byName = new Map(steps.map((step) => [step.name, step]));
  /** @type {Map<string, number>} */
  const ranks = new Map();
  /**
   * @param {Step} step
   * @param {Set<string>} path the steps that led here: a cycle ends the search
   * @returns {number}
   */
  const rankOf = (step, path) => {
    const ranked = ranks.get(step.name);
    if (ranked !== undefined) return ranked;
    if (path.has(step.name)) return 0;
    path.add(step.name);
    let rank = 0;
    for (const name of step.needs || []) {
      const needed = byName.get(name);
      if (needed) rank = Math.max(rank, 1 + rankOf(needed, path));
    }
    path.delete(step.name);
    ranks.set(step.name, rank);
    return rank;
  };
  const placeOf = (/** @type {Step} */ { name }) => {
    const at = knownIndex.get(name);
    return at === undefined ? Infinity : at;
  };
  return [...steps].sort((a, b) => {
    if (placeOf(a) !== placeOf(b)) return placeOf(a) < placeOf(b) ? -1 : 1;
    return rankOf(a, new Set()) - rankOf(b, new Set()) || (a.name < b.name ? -1 : 1);
  });
}
