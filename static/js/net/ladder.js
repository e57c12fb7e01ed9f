// Decides which transport to use next, without timers or sockets. Level 0 is the best one (WebSocket); each further
// level asks less of the proxies between the page and the server. The Python client has the same rules
// (livewall/client/ladder.py), and tests/vectors/ladder.json holds both to the same results.

export const LEVELS = Object.freeze(/** @type {const} */ (["websocket", "sse", "longpoll", "poll"]));

/** A connection that lasted this many milliseconds proves that its transport works here. */
export const GOOD_LIFETIME = 10_000;

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const FIRST_CLIMB = 30_000;
const LONGEST_CLIMB = 600_000;
/** The failures whose wait applies when the server closes a connection and does not name a wait. */
const SENT_AWAY = 2;

/**
 * @typedef {object} LadderState
 * @property {number} level
 * @property {number | null} best the best level that ever had a good lifetime here
 * @property {number} misses failures of this level in a row
 * @property {number} attempts failures of any level in a row: the exponent of the wait
 * @property {number} climbs climbs that were tried since the last good lifetime
 */

/**
 * How a transport ended.
 * @typedef {object} Ending
 * @property {boolean} delivered whether anything arrived
 * @property {number} lasted for how many milliseconds it was in use
 * @property {boolean} [silent] whether it was given up because nothing arrived
 * @property {boolean} [sentAway] whether the server itself closed it, so that the transport works
 * @property {number | null} [retry] after how many milliseconds the server asks the page to reconnect
 */

/** @type {Readonly<LadderState>} */
export const START = Object.freeze({ level: 0, best: null, misses: 0, attempts: 0, climbs: 0 });

/**
 * Returns the milliseconds to wait after so many failures. Half of the wait is random, so that the pages of a hall do
 * not all reconnect at the same moment.
 * @param {number} attempts
 * @param {() => number} random
 */
export function backoff(attempts, random) {
  const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempts, 10));
  return Math.round(longest * (0.5 + random() / 2));
}

/**
 * Returns the state after a transport ended, and how long to wait before the next one is opened.
 * @param {LadderState} state
 * @param {Ending} ending
 * @param {() => number} random
 * @returns {{state: LadderState, wait: number}}
 */
export function afterEnding(state, ending, random) {
  const good = ending.delivered && !ending.silent && ending.lasted >= GOOD_LIFETIME;
  const best = !good ? state.best : state.best === null ? state.level : Math.min(state.best, state.level);
  const retry = ending.retry !== null && ending.retry !== undefined ? ending.retry : null;
  if (retry !== null || ending.sentAway) {
    return { state: { ...state, best, misses: 0, attempts: 0 }, wait: retry === null ? backoff(SENT_AWAY, random) : retry };
  }
  if (good) return { state: { ...state, best, misses: 0, attempts: 1, climbs: 0 }, wait: backoff(0, random) };
  const misses = state.misses + 1;
  const attempts = ending.delivered ? 1 : state.attempts + 1;
  const wait = backoff(attempts - 1, random);
  if (misses < toleratedMisses(state, ending)) return { state: { ...state, misses, attempts }, wait };
  const isLowest = state.level === LEVELS.length - 1;
  const level = isLowest ? state.best || 0 : state.level + 1;
  // On the first way down nothing is known to work yet, so the next level is tried at once. Later the server itself
  // may be away, and then every level waits.
  const hurry = state.best === null && !isLowest && state.attempts < LEVELS.length;
  return { state: { ...state, level, misses: 0, attempts: hurry ? state.attempts + 1 : attempts }, wait: hurry ? 0 : wait };
}

/**
 * Returns how many failures in a row make the page step down.
 * @param {LadderState} state
 * @param {Ending} ending
 */
function toleratedMisses(state, ending) {
  if (state.best === state.level) return 3;
  return ending.delivered ? 2 : 1;
}

/**
 * Returns which better transport to try beside the one in use and after how long, or null at the top.
 * @param {LadderState} state
 * @param {() => number} random
 */
export function planClimb(state, random) {
  if (state.level === 0) return null;
  const known = state.best !== null && state.best < state.level ? state.best : null;
  const first = known === null ? FIRST_CLIMB : FIRST_CLIMB / 6;
  const wait = Math.min(LONGEST_CLIMB, first * 2 ** Math.min(state.climbs, 10));
  // Every other climb goes one level up only: what blocks WebSocket may let server-sent events through.
  const target = state.climbs % 2 === 0 ? known || 0 : state.level - 1;
  return { target, wait: Math.round(wait * (0.75 + random() / 2)) };
}

/**
 * @param {LadderState} state
 * @returns {LadderState}
 */
export function climbFailed(state) {
  return { ...state, climbs: state.climbs + 1 };
}

/**
 * @param {LadderState} state
 * @param {number} target
 * @returns {LadderState}
 */
export function climbSucceeded(state, target) {
  return { ...state, level: target, misses: 0, attempts: 0, climbs: state.climbs + 1 };
}
