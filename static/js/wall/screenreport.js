// Reports the state of a screen to the server, which shows it to the host: its size, its transport, and for how long it
// has painted nothing that was live. The reply says how many people are at the wall, for screens whose transport carries
// no volatile events.

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */

const INTERVAL = 10_000;
/** The shortest time between two reports, however often the connection is lost and found. */
const MIN_INTERVAL = 2_000;

export class ScreenReporter {
  /**
   * @param {object} options
   * @param {Environment} options.env
   * @param {string} options.code the code of the wall
   * @param {number | null} [options.people]
   * @param {() => [width: number, height: number]} options.size in pixels of the device
   * @param {(callback: () => void) => void} options.frame calls back before the next painting
   * @param {() => void} options.onCount
   */
  constructor({ env, code, people = null, size, frame, onCount }) {
    this.env = env;
    /** @type {number | null} */
    this.people = people;
    /** @type {{people: number} | null} */
    this.lastEvent = null;
    this.size = size;
    this.frame = frame;
    this.counted = onCount;
    this.address = `${env.origin}/api/walls/${code}/screens/${Math.floor(env.random() * 2 ** 48).toString(16)}`;
    this.paintedAt = env.now();
    this.reportedAt = -Infinity;
    this.wasLive = false;
  }

  /**
   * Returns how many people are at the wall: the newer of the event in the wall's stream and the reply to a report.
   * @param {{people: number} | undefined} event
   */
  peopleCount(event) {
    if (event && event !== this.lastEvent) {
      this.lastEvent = event;
      this.people = event.people;
    }
    return this.people;
  }

  /**
   * Is called once a second and on every change.
   * @param {LiveStreams} live
   */
  tick(live) {
    const isLive = live.displayState === "live";
    // A browser that does not paint, such as one whose window is covered, does not call back either.
    if (isLive) this.frame(() => { this.paintedAt = this.env.now(); });
    const elapsed = this.env.now() - this.reportedAt;
    if (elapsed >= INTERVAL || (isLive && !this.wasLive && elapsed >= MIN_INTERVAL)) this.report(live.connection.transport);
    this.wasLive = isLive;
  }

  /** @param {string} transport */
  async report(transport) {
    this.reportedAt = this.env.now();
    const [width, height] = this.size();
    const age = Math.round(this.env.now() - this.paintedAt);
    try {
      const response = await this.env.fetch(this.address, {
        method: "PUT",
        credentials: "omit",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ width, height, transport, age }),
      });
      if (!response.ok) return;
      this.people = (await response.json()).people;
      this.counted();
    } catch {
      // The host sees that nothing has been heard from this screen.
    }
  }
}
