// Whether times are shown and lines are wrapped, kept where the browser allows it.

const KEY = "livewall.log";

/** @typedef {"times" | "wrap"} Preference */

/** @type {readonly Preference[]} */
export const PREFERENCES = Object.freeze(["times", "wrap"]);

/** @returns {Record<Preference, boolean>} */
export function loadPreferences() {
  /** @type {Partial<Record<Preference, unknown>>} */
  let stored = {};
  try {
    stored = JSON.parse(localStorage.getItem(KEY) || "{}") || {};
  } catch {
    // Storage is blocked here: the preferences begin as usual.
  }
  return { times: stored.times !== false, wrap: stored.wrap === true };
}

/** @param {Record<Preference, boolean>} preferences */
export function savePreferences(preferences) {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // Storage is blocked here: they hold until the page is left.
  }
}
