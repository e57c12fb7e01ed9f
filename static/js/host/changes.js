// What somebody else changed between the version that a host saw and the current one. Pure.

/** @typedef {Record<string, any>} Fields of a poll or a wall */

/** Fields of an answer that are not part of the poll or wall. */
const OF_ANSWER = new Set(["ballot", "tally", "now", "needs_code", "links"]);
/** Fields that follow from others, or that cannot change. */
const DERIVED = new Set(["reveal_at", "closed_at", "opened_at", "wall"]);
const ORDER = ["title", "options", "phase", "round", "closes_at", "published", "results", "active", "items"];

/**
 * @typedef {object} Change
 * @property {string} field
 * @property {any} before
 * @property {any} now
 * @property {any} [mine] only where the host's own command sets this field too
 */

/** @param {unknown} value */
const serialize = (value) => JSON.stringify(value === undefined ? null : value);

/** @param {...Fields} values */
function fieldsOf(...values) {
  const names = new Set(values.flatMap((value) => Object.keys(value)).filter((name) => !OF_ANSWER.has(name)));
  const rank = (/** @type {string} */ name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/**
 * Whether two versions have the same state; ballots do not matter.
 * @param {Fields} a
 * @param {Fields} b
 */
export function isSameState(a, b) {
  return fieldsOf(a, b).every((name) => serialize(a[name]) === serialize(b[name]));
}

/**
 * Whether the current version already has what a command wants.
 * @param {Fields} wants
 * @param {Fields} now
 */
export function isFulfilled(wants, now) {
  const names = Object.keys(wants);
  return names.length > 0 && names.every((name) => serialize(wants[name]) === serialize(now[name]));
}

/**
 * Returns what has changed.
 * @param {Fields} before
 * @param {Fields} now
 * @param {Fields} wants
 * @returns {Change[]}
 */
export function changesBetween(before, now, wants = {}) {
  return fieldsOf(before, now)
    .filter((name) => !DERIVED.has(name) && serialize(before[name]) !== serialize(now[name]))
    .map((field) => ({ field, before: before[field], now: now[field], ...(field in wants ? { mine: wants[field] } : {}) }));
}
