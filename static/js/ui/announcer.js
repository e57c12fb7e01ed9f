// Speaks to screen readers: what happened at once, how the count stands at most every 15 seconds.

const GAP = 15_000;

export class Announcer {
  constructor(element, env) {
    this.element = element;
    this.env = env;
    this.last = null;
    this.spokenAt = -Infinity;
    this.timer = null;
    this.pending = null;
  }

  /** Something happened: said now, once. */
  say(text) {
    if (!this.element || text === this.last) return;
    this.last = text;
    this.element.textContent = text;
  }

  /** Said each time it happens, also when it was the last thing said. */
  repeat(text) {
    this.say(text === this.last ? `${text}\u00a0` : text);
  }

  /** How things stand: said later, the newest only; the first state is not news. */
  count(text) {
    if (!this.element) return;
    if (this.pending === null) {
      this.pending = text;
      this.spokenAt = this.env.now();
      return;
    }
    if (text === this.pending) return;
    this.pending = text;
    if (this.timer) return;
    this.timer = this.env.setTimeout(() => {
      this.timer = null;
      this.spokenAt = this.env.now();
      this.say(this.pending);
    }, Math.max(0, this.spokenAt + GAP - this.env.now()));
  }
}
