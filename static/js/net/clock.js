// Estimates the server's time. A message carries the time at which it was sent and arrives a little later, so each
// sample is too early by its delay: the largest of the last few samples is the best estimate.

const MAX_SAMPLES = 8;
/** No message is this late. A sample this far behind the others means that the device's own clock was put forward. */
const CLOCK_JUMP = 5_000;

export class Clock {
  /** @param {() => number} local milliseconds since 1970 by the device's own clock */
  constructor(local = () => Date.now()) {
    this.local = local;
    /** @type {number[]} */
    this.samples = [];
  }

  /**
   * Takes the time that a message carries.
   * @param {string} sentAt
   */
  sample(sentAt) {
    const server = Date.parse(sentAt);
    if (Number.isNaN(server)) return;
    const offset = server - this.local();
    if (this.samples.length && offset < Math.max(...this.samples) - CLOCK_JUMP) this.samples = [];
    this.samples.push(offset);
    if (this.samples.length > MAX_SAMPLES) this.samples.shift();
  }

  /** Milliseconds since 1970 by the server's clock. */
  now() {
    return this.local() + (this.samples.length ? Math.max(...this.samples) : 0);
  }
}
