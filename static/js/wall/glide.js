// Moves the rows of a list to their new places within half a second, where motion is welcome.

const DURATION = 500;

/**
 * Does what changes the places of the rows of a list, and lets those that were there before glide to where they are.
 * @param {HTMLElement} list
 * @param {() => void} change
 */
export function glide(list, change) {
  const before = new Map();
  for (const row of list.children) if (!(/** @type {HTMLElement} */ (row).hidden)) before.set(row, row.getBoundingClientRect().top);
  change();
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const row of list.children) {
    if (!row.animate || /** @type {HTMLElement} */ (row).hidden) continue;
    const from = before.get(row);
    const distance = from === undefined ? 0 : from - row.getBoundingClientRect().top;
    const options = { duration: DURATION, easing: "cubic-bezier(.2, .8, .2, 1)" };
    if (from === undefined) row.animate([{ opacity: 0 }, { opacity: 1 }], options);
    else if (Math.abs(distance) > 1) row.animate([{ transform: `translateY(${distance}px)` }, { transform: "none" }], options);
  }
}
