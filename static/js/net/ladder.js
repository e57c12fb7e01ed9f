// Which transport to use next, decided without timers or sockets. Level 0 is the best (WebSocket); a higher level
// asks less of what stands between the page and the server.

export const LEVELS = Object.freeze(["websocket", "sse", "longpoll", "poll"]);

/** A connection that lasted this long was a good one. */
export const GOOD_LIFE = 10_000;

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const FIRST_CLIMB = 30_000;
const LONGEST_CLIMB = 600_000;

export const START = Object.freeze({
  level: 0,
  best: null, // the best level that ever had a good life here
  misses: 0, // failures of this level in a row
  attempts: 0, // failures of any level in a row: the exponent of the wait
  climbs: 0, // climbs tried since the last good life
});

/** Half of the wait is certain and half is chance, so that a hall does not come back in step. */
export function backoff(attempts, random) {
  const whole = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempts, 10));
  return Math.round(whole * (0.5 + random() / 2));
}

/**
 * A transport ended. `life` is {delivered, lasted, silent, retry}: whether anything arrived, for how many ms it
 * lived, whether it was given up for saying nothing, and the wait the server asked for (null: none).
 * Returns {state, wait}.
 */
export function after(state, life, random, levels = LEVELS.length) {
  const good = life.delivered && !life.silent && life.lasted >= GOOD_LIFE;
  const best = !good ? state.best : state.best === null ? state.level : Math.min(state.best, state.level);
  if (life.retry !== null && life.retry !== undefined) {
    return { state: { ...state, best, misses: 0, attempts: 0 }, wait: life.retry };
  }
  if (good) return { state: { ...state, best, misses: 0, attempts: 1, climbs: 0 }, wait: backoff(0, random) };
  const misses = state.misses + 1;
  const attempts = life.delivered ? 1 : state.attempts + 1;
  const wait = backoff(attempts - 1, random);
  if (misses < patience(state, life)) return { state: { ...state, misses, attempts }, wait };
  const lowest = state.level === levels - 1;
  const level = lowest ? (state.best === null ? 0 : state.best) : state.level + 1;
  // On the first way down nothing is known to work yet: hurry. Later the server may just be away: take the time.
  const hurry = state.best === null && !lowest && state.attempts < levels;
  return { state: { ...state, level, misses: 0, attempts: hurry ? state.attempts + 1 : attempts }, wait: hurry ? 0 : wait };
}

function patience(state, life) {
  if (state.best === state.level) return 3;
  return life.delivered ? 2 : 1;
}

/** When to try a better transport beside the one in use, and which; null at the top. */
export function climb(state, random) {
  if (state.level === 0) return null;
  const known = state.best !== null && state.best < state.level;
  const first = known ? FIRST_CLIMB / 6 : FIRST_CLIMB;
  const wait = Math.min(LONGEST_CLIMB, first * 2 ** Math.min(state.climbs, 10));
  const target = state.climbs % 2 === 0 ? (known ? state.best : 0) : state.level - 1;
  return { target, wait: Math.round(wait * (0.75 + random() / 2)) };
}

export function climbFailed(state) {
  return { ...state, climbs: state.climbs + 1 };
}

export function climbed(state, target) {
  return { ...state, level: target, misses: 0, attempts: 0, climbs: state.climbs + 1 };
}
