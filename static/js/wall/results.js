// The results of a wall whose polls have all been asked. While the wall shows no item, the page asks the server again
// and again: a result may still be published or withdrawn.

/** @import { Environment } from "../net/environment.js" */
/** @import { Poll, Stream, Tally, Wall } from "../net/wire.d.ts" */
/** @import { Row } from "../poll/tally.js" */

const INTERVAL = 10_000;
/** How long the last picture stays while the page asks for the first time. */
const PATIENCE = 1_500;

/**
 * @typedef {object} Results
 * @property {boolean} over whether every poll of the wall has been asked
 * @property {{poll: Poll, tally: Tally}[]} items the polls whose results everybody may see
 * @property {number} hidden how many results are not published
 */

/** @typedef {{kind: string, wall?: Wall, stream?: Stream | null}} SceneOnWall */

/**
 * Returns how many polls stand side by side, how many of them are shown at all, and how many options of each.
 * @param {number} polls
 */
export function gridSize(polls) {
  for (const [most, columns, options] of [[1, 1, 8], [2, 2, 8], [4, 2, 3], [6, 3, 3]]) {
    if (polls <= most) return { columns, options, shown: polls };
  }
  return { columns: 3, options: 2, shown: Math.min(polls, 9) };
}

/**
 * Returns the rows with the most ballots, as many as there is room for, in the order of the options.
 * @template {Pick<Row, "count" | "number">} T
 * @param {T[]} rows
 * @param {number} room
 * @returns {T[]}
 */
export function topRows(rows, room) {
  if (rows.length <= room) return rows;
  const top = [...rows].sort((a, b) => b.count - a.count || a.number - b.number).slice(0, room);
  return rows.filter((row) => top.includes(row));
}

export class WallResults {
  /**
   * @param {{env: Environment, page: {wallStream?: Stream, results?: Results}, redraw: () => void}} context
   * @param {{interval?: number, spread?: number}} options the pages of a hall, which all learn of a change at once, ask
   *   within `spread` milliseconds
   */
  constructor({ env, page, redraw }, { interval = INTERVAL, spread = 0 } = {}) {
    this.env = env;
    this.interval = interval;
    this.spread = spread;
    this.address = `${env.origin}/api/${page.wallStream}/results?as=audience`;
    this.redraw = redraw;
    /** @type {Results | null} */
    this.results = page.results || null;
    /** @type {Wall | null} */
    this.wall = null;
    this.askedAt = this.results ? env.now() : -Infinity;
  }

  /**
   * Returns the results to show at the end of a wall, or null while an item is shown or is still to come. Returns
   * undefined while the page asks for the first time, so that the last picture stays until then.
   * @param {SceneOnWall} scene
   */
  resultsFor({ kind, wall, stream }) {
    if (kind !== "lobby" || !wall || stream || wall.active || !wall.items.length) {
      this.wall = this.results = null;
      this.askedAt = -Infinity;
      return null;
    }
    const now = this.env.now();
    if (this.wall && wall !== this.wall) this.askedAt = -Infinity; // the wall said something new
    this.wall = wall;
    if (this.askedAt === -Infinity) this.askedAt = now - this.interval + this.env.random() * this.spread;
    if (now - this.askedAt >= this.interval) this.fetch();
    if (!this.results) return this.env.now() - this.askedAt < PATIENCE ? undefined : null;
    return this.results.over ? this.results : null;
  }

  async fetch() {
    this.askedAt = this.env.now();
    try {
      const response = await this.env.fetch(this.address, { headers: { Accept: "application/json" } });
      const results = response.ok ? await response.json() : { over: false };
      if (!this.wall) return; // meanwhile the wall shows an item again
      this.results = results;
      this.redraw();
    } catch {
      // What is known stays, as the picture does when the connection is lost.
    }
  }
}
