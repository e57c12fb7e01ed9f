// A replay as it is played: a timeline in which idle times are shortened, and a player that moves along it. Pure: the
// time is an argument.

/** An idle time longer than this, in milliseconds, is played as if it were this long. */
export const IDLE = 4_000;
export const SPEEDS = [1, 2, 5, 10, 20, 30, 60];
/** A replay takes no longer than this, unless it does so at the highest speed. */
const LONGEST = 30_000;

/**
 * @typedef {object} Timeline
 * @property {number[]} at the true times
 * @property {number[]} played the position at which each is played
 * @property {number} total
 */

/**
 * @param {number[]} times
 * @returns {Timeline}
 */
export function timeline(times) {
  const played = [0];
  for (let n = 1; n < times.length; n += 1) played.push(played[n - 1] + Math.min(IDLE, Math.max(0, times[n] - times[n - 1])));
  return { at: times, played, total: played[played.length - 1] };
}

/**
 * Returns the last index whose value is not beyond `value`.
 * @param {number[]} list
 * @param {number} value
 */
function lastIndex(list, value) {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (list[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Returns the index of the event that is shown, the true time, and the true length of a shortened idle time there.
 * @param {Timeline} line
 * @param {number} position
 */
export function stateAt({ at, played }, position) {
  const index = lastIndex(played, position);
  const next = index + 1;
  if (next >= at.length) return { index, at: at[index], idle: 0 };
  const gap = at[next] - at[index];
  const share = (position - played[index]) / (played[next] - played[index] || 1);
  return { index, at: at[index] + gap * share, idle: gap > IDLE ? gap : 0 };
}

/**
 * Returns the position at which a true time is played.
 * @param {Timeline} line
 * @param {number} time
 */
export function positionOf({ at, played, total }, time) {
  const index = lastIndex(at, time);
  if (index + 1 >= at.length) return total;
  const gap = at[index + 1] - at[index] || 1;
  return played[index] + (played[index + 1] - played[index]) * Math.max(0, Math.min(1, (time - at[index]) / gap));
}

/**
 * Interpolates linearly between knots, and stays at the last one outside of them. `from` and `to` are the columns of
 * the given value and of the wanted one.
 * @param {[number, number][]} knots
 * @param {number} value
 */
export function interpolate(knots, value, from = 0, to = 1) {
  for (let n = 1; n < knots.length; n += 1) {
    const [before, after] = [knots[n - 1], knots[n]];
    if (value > after[from]) continue;
    const share = Math.max(0, value - before[from]) / (after[from] - before[from] || 1);
    return before[to] + (after[to] - before[to]) * share;
  }
  return knots[knots.length - 1][to];
}

/**
 * Returns the slowest speed at which a replay does not take too long.
 * @param {number} total
 */
export function defaultSpeed(total) {
  return SPEEDS.find((speed) => total / speed <= LONGEST) || SPEEDS[SPEEDS.length - 1];
}

export class Player {
  /**
   * @param {number[]} times
   * @param {() => void} onChange is called on every move
   */
  constructor(times, onChange) {
    this.line = timeline(times);
    this.changed = onChange;
    this.position = this.line.total;
    this.speed = defaultSpeed(this.line.total);
    /** @type {number | null} the time of the last tick; null while the replay is paused */
    this.tickedAt = null;
  }

  get playing() {
    return this.tickedAt !== null;
  }

  get state() {
    return stateAt(this.line, this.position);
  }

  /**
   * Replaces the times. The position stays where it is in true time, and at the end if it was there.
   * @param {number[]} times
   */
  load(times) {
    const atEnd = this.position >= this.line.total;
    const { at } = this.state;
    this.line = timeline(times);
    this.position = atEnd ? this.line.total : positionOf(this.line, at);
    this.changed();
  }

  /** @param {number} now milliseconds of a clock that nobody can set */
  play(now) {
    if (this.position >= this.line.total) this.position = 0;
    this.tickedAt = now;
    this.changed();
  }

  pause() {
    this.tickedAt = null;
    this.changed();
  }

  /** @param {number} position */
  seek(position) {
    this.position = Math.max(0, Math.min(this.line.total, position));
    this.changed();
  }

  /** @param {number} now */
  tick(now) {
    if (this.tickedAt === null) return;
    this.position = Math.min(this.line.total, this.position + (now - this.tickedAt) * this.speed);
    this.tickedAt = this.position < this.line.total ? now : null;
    this.changed();
  }
}
