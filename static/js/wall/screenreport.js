// A screen says how it is: its size, its transport, and for how long it has painted nothing that was live. The host's
// page shows it. The answer tells how many people are here, for screens whose transport brings no volatile events.

const EVERY = 10_000;
const AT_LEAST = 2_000; // between two reports, however often the connection comes and goes

export class Vitals {
  /** `size()` is [width, height] in pixels of the device; `frame(act)` calls before the next painting. */
  constructor({ env, code, people, size, frame, counted }) {
    this.env = env;
    this.people = people;
    this.heard = null;
    this.size = size;
    this.frame = frame;
    this.counted = counted;
    this.address = `${env.origin}/api/walls/${code}/screens/${Math.floor(env.random() * 2 ** 48).toString(16)}`;
    this.paintedAt = env.now();
    this.toldAt = -Infinity;
    this.wasLive = false;
  }

  /** How many are here, given what the wall's stream says: as that or the answer to a report said last. */
  here(said) {
    if (said && said !== this.heard) {
      this.heard = said;
      this.people = said.people;
    }
    return this.people;
  }

  /** To be called once a second, and when something changed. */
  tick(live) {
    const isLive = live.corner === "live";
    if (isLive) this.frame(() => { this.paintedAt = this.env.now(); });
    const quiet = this.env.now() - this.toldAt;
    if (quiet >= EVERY || (isLive && !this.wasLive && quiet >= AT_LEAST)) this.tell(live.connection.transport);
    this.wasLive = isLive;
  }

  async tell(transport) {
    this.toldAt = this.env.now();
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
      // Not reached: the host sees that this screen has not been heard of.
    }
  }
}
