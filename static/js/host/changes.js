// What somebody else changed between what a host saw and what there is now. Pure.

const OWN = new Set(["ballot", "tally", "now", "needs_code", "links"]); // of an answer, not of the poll or wall
const QUIET = new Set(["reveal_at", "closed_at", "opened_at", "wall"]); // follow from another field, or cannot change
const ORDER = ["title", "options", "phase", "round", "closes_at", "published", "results", "active", "items"];

const told = (value) => JSON.stringify(value === undefined ? null : value);

function fieldsOf(...values) {
  const names = new Set(values.flatMap((value) => Object.keys(value)).filter((name) => !OWN.has(name)));
  const rank = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/** Whether two readings of a poll or wall are of the same state; ballots do not matter. */
export function same(a, b) {
  return fieldsOf(a, b).every((name) => told(a[name]) === told(b[name]));
}

/** Whether `now` is already what an act wanted. */
export function holds(wants, now) {
  const names = Object.keys(wants);
  return names.length > 0 && names.every((name) => told(wants[name]) === told(now[name]));
}

/** [{field, before, now, mine}] of what is not as it was seen; `mine` only where one's own act means that field. */
export function changes(before, now, wants = {}) {
  return fieldsOf(before, now)
    .filter((name) => !QUIET.has(name) && told(before[name]) !== told(now[name]))
    .map((field) => ({ field, before: before[field], now: now[field], ...(field in wants ? { mine: wants[field] } : {}) }));
}
