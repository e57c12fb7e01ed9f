// A replay as it is played: time that is shortened where nothing happened, and a player that moves along it. Pure: the
// time is an argument.

/** Where nothing happened for longer than this, in milliseconds, it is played as if for so long. */
export const IDLE = 4_000;
export const SPEEDS = [1, 2, 5, 10, 20, 30, 60];
const COMFORTABLE = 30_000; // a replay should not take longer, unless it does at the highest speed

/** {at: the true times, played: when each is shown, total}. */
export function timeline(times) {
  const played = [0];
  for (let n = 1; n < times.length; n += 1) played.push(played[n - 1] + Math.min(IDLE, Math.max(0, times[n] - times[n - 1])));
  return { at: times, played, total: played[played.length - 1] };
}

/** The last place whose value is not beyond `value`. */
function lastAt(list, value) {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (list[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** {index, at, idle}: which moment is shown, the true time, and how long a shortened pause one is in takes in truth. */
export function stateAt({ at, played }, position) {
  const index = lastAt(played, position);
  const next = index + 1;
  if (next >= at.length) return { index, at: at[index], idle: 0 };
  const gap = at[next] - at[index];
  const share = (position - played[index]) / (played[next] - played[index] || 1);
  return { index, at: at[index] + gap * share, idle: gap > IDLE ? gap : 0 };
}

/** Where a true time is played. */
export function positionOf({ at, played, total }, time) {
  const index = lastAt(at, time);
  if (index + 1 >= at.length) return total;
  const gap = at[index + 1] - at[index] || 1;
  return played[index] + (played[index + 1] - played[index]) * Math.max(0, Math.min(1, (time - at[index]) / gap));
}

/** Between two of the knots [from, to] it goes evenly; outside of them it stays. */
export function along(knots, value, from = 0, to = 1) {
  for (let n = 1; n < knots.length; n += 1) {
    const [before, after] = [knots[n - 1], knots[n]];
    if (value > after[from]) continue;
    const share = Math.max(0, value - before[from]) / (after[from] - before[from] || 1);
    return before[to] + (after[to] - before[to]) * share;
  }
  return knots[knots.length - 1][to];
}

/** The slowest speed with which a replay is over before it is boring. */
export function speedFor(total) {
  return SPEEDS.find((speed) => total / speed <= COMFORTABLE) || SPEEDS[SPEEDS.length - 1];
}

export class Player {
  /** `changed()` is called on every move; `now` are milliseconds of a clock that only goes on. */
  constructor(times, changed) {
    this.line = timeline(times);
    this.changed = changed;
    this.position = this.line.total;
    this.speed = speedFor(this.line.total);
    this.since = null; // when it was looked at last; null while it stands
  }

  get playing() {
    return this.since !== null;
  }

  get state() {
    return stateAt(this.line, this.position);
  }

  /** Other moments: the place stays, in true time; at the end it stays the end. */
  load(times) {
    const ended = this.position >= this.line.total;
    const { at } = this.state;
    this.line = timeline(times);
    this.position = ended ? this.line.total : positionOf(this.line, at);
    this.changed();
  }

  play(now) {
    if (this.position >= this.line.total) this.position = 0;
    this.since = now;
    this.changed();
  }

  pause() {
    this.since = null;
    this.changed();
  }

  seek(position) {
    this.position = Math.max(0, Math.min(this.line.total, position));
    this.changed();
  }

  tick(now) {
    if (!this.playing) return;
    this.position = Math.min(this.line.total, this.position + (now - this.since) * this.speed);
    this.since = this.position < this.line.total ? now : null;
    this.changed();
  }
}
