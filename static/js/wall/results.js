// The results of a wall whose polls have all been asked: whether that is so, and what they are. Asked for while nothing
// is shown, again and again: a result may still be published or withdrawn.

const EVERY = 10_000;
const PATIENCE = 1_500;

/** How many polls stand side by side, how many of them are shown at all, and how many options of each. */
export function multiples(polls) {
  for (const [most, columns, options] of [[1, 1, 8], [2, 2, 8], [4, 2, 3], [6, 3, 3]]) {
    if (polls <= most) return { columns, options, shown: polls };
  }
  return { columns: 3, options: 2, shown: Math.min(polls, 9) };
}

/** The rows with the most ballots, as many as there is room for, in the order of the options. */
export function mostChosen(rows, room) {
  if (rows.length <= room) return rows;
  const chosen = [...rows].sort((a, b) => b.count - a.count || a.number - b.number).slice(0, room);
  return rows.filter((row) => chosen.includes(row));
}

export class Overview {
  /** Asks again after `every` ms; `spread`: the pages of a hall, which learn of a change at once, ask within so many. */
  constructor({ env, page, redraw }, { every = EVERY, spread = 0 } = {}) {
    this.env = env;
    this.every = every;
    this.spread = spread;
    this.address = `${env.origin}/api/${page.wallStream}/results?as=audience`;
    this.redraw = redraw;
    this.found = page.results || null;
    this.wall = null;
    this.askedAt = this.found ? env.now() : -Infinity;
  }

  /**
   * What there is to show at the end, or null: as long as something is shown, or is still to come. `undefined` while
   * that is being asked for the first time: the last picture stays for so long.
   */
  of({ kind, wall, stream }) {
    if (kind !== "lobby" || !wall || stream || !wall.items.length) {
      this.wall = this.found = null;
      this.askedAt = -Infinity;
      return null;
    }
    const now = this.env.now();
    if (this.wall && wall !== this.wall) this.askedAt = -Infinity; // the wall said something new
    this.wall = wall;
    if (this.askedAt === -Infinity) this.askedAt = now - this.every + this.env.random() * this.spread;
    if (now - this.askedAt >= this.every) this.ask();
    if (!this.found) return this.env.now() - this.askedAt < PATIENCE ? undefined : null;
    return this.found.over ? this.found : null;
  }

  async ask() {
    this.askedAt = this.env.now();
    try {
      const response = await this.env.fetch(this.address, { headers: { Accept: "application/json" } });
      const found = response.ok ? await response.json() : { over: false };
      if (!this.wall) return; // something is shown again
      this.found = found;
      this.redraw();
    } catch {
      // What was known stays, as the picture does when the connection is lost.
    }
  }
}
