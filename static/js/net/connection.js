// Keeps a page connected: opens the transport the ladder names, comes back after a loss, steps down where something
// between page and server is in the way, and climbs back up beside the connection in use. Hands on what it hears.

import { LEVELS, START, after, backoff, climb, climbed, climbFailed } from "./ladder.js";
import { mayComeBack } from "./protocol.js";
import { TRANSPORTS } from "./transports.js";

/** A refusal that another try or another transport would only repeat. */
const FINAL_STATUS = new Set([401, 403, 404, 410, 422]);
const CODE_OF = {
  401: "unauthenticated", 403: "forbidden", 404: "no_such_stream", 410: "no_such_stream",
  4501: "unauthenticated", 4503: "forbidden", 4504: "no_such_stream", 4505: "malformed",
};
const ACT_TIMEOUT = 8_000;
const SUSPECT = 30_000; // longer than any transport is silent while it works

export class Connection {
  /**
   * `on` hears messages(list), status({state, transport, code?}) with state "connecting", "open", "lost" or
   * "refused", switched() when another transport took over, and dropped(streams) when those beside the first were
   * refused together with their address.
   */
  constructor({ streams, audience = false, positionOf, on, env, transports = TRANSPORTS }) {
    this.streams = streams;
    this.spec = { audience, positionOf };
    this.on = on;
    this.env = env;
    this.transports = transports;
    this.ladder = START;
    this.current = null;
    this.probe = null;
    this.timers = { retry: null, climb: null };
    this.acts = new Map();
    this.counter = 0;
    this.stopped = true;
  }

  get transport() {
    return LEVELS[this.ladder.level];
  }

  start() {
    this.stopped = false;
    this.tell("connecting");
    this.open();
  }

  stop() {
    this.stopped = true;
    this.env.clearTimeout(this.timers.retry);
    this.env.clearTimeout(this.timers.climb);
    this.leave("current");
    this.leave("probe");
    this.failActs();
  }

  /** Now rather than later: the network came back, or somebody looks at the page again. */
  hurry() {
    if (this.stopped) return;
    if (!this.current) {
      this.ladder = { ...this.ladder, attempts: 0 };
      this.open();
    } else if (this.env.now() - this.current.heardAt > SUSPECT) {
      const life = this.current;
      this.leave("current");
      this.lost(life, { silent: true });
    }
  }

  /** Another network: what stood in the way may be gone. Looks at once beside what works. */
  networkChanged() {
    this.ladder = { ...this.ladder, climbs: 0 };
    if (this.current && !this.probe && this.ladder.level > 0) this.probe = this.begin(0);
    this.hurry();
  }

  tell(state, more = {}) {
    this.on.status({ state, transport: this.transport, ...more });
  }

  open() {
    this.env.clearTimeout(this.timers.retry);
    if (this.stopped || this.current) return;
    this.current = this.begin(this.ladder.level);
    this.planClimb();
  }

  /** Starts a transport and keeps the notes about its life that the ladder asks for. */
  begin(level) {
    const born = this.env.now();
    const life = { level, bornAt: born, heardAt: born, delivered: false, handle: { close() {} } };
    const on = {
      // An open WebSocket has passed every proxy; the others have proved nothing before something arrived.
      opened: () => life === this.probe && this.promote(),
      heard: () => this.heard(life),
      messages: (list) => life === this.current && this.messages(list),
      ended: (how) => this.ended(life, how),
    };
    try {
      life.handle = this.transports[LEVELS[level]]({ ...this.spec, streams: this.streams }, on, this.env);
    } catch {
      this.env.setTimeout(() => this.ended(life, {}), 0); // the browser does not allow it, or lacks it
    }
    return life;
  }

  heard(life) {
    life.heardAt = this.env.now();
    life.delivered = true;
    if (life === this.probe) this.promote();
    if (life === this.current) this.tell("open");
  }

  messages(list) {
    const events = [];
    for (const message of list) {
      if (message.ref === undefined) events.push(message);
      else this.settle(message.ref, message);
    }
    if (events.length) this.on.messages(events);
  }

  ended(life, how) {
    if (life === this.current) {
      this.current = null;
      this.lost(life, how);
    } else if (life === this.probe) {
      this.probe = null;
      this.ladder = climbFailed(this.ladder);
      this.planClimb();
    }
  }

  lost(life, { code = null, status = null, retry = null, silent = false }) {
    this.failActs();
    this.env.clearTimeout(this.timers.climb);
    this.leave("probe");
    const refused = !mayComeBack(code) || FINAL_STATUS.has(status);
    const others = this.streams.slice(1);
    if (refused && (code || !others.length)) {
      this.stopped = true;
      this.tell("refused", { code: CODE_OF[code || status] || "internal" });
      return;
    }
    this.tell("lost");
    let wait = retry;
    if (refused) {
      // One refusal for several streams: keep the first, whose right to be read does not hang on the others.
      this.streams = this.streams.slice(0, 1);
      this.on.dropped(others);
      wait = 0;
    } else if (code >= 4000 && wait === null) {
      wait = backoff(2, this.env.random); // the server's own code: the way to it works
    }
    const lasted = this.env.now() - life.bornAt;
    const next = after(this.ladder, { delivered: life.delivered, lasted, silent, retry: wait }, this.env.random);
    this.ladder = next.state;
    this.timers.retry = this.env.setTimeout(() => this.open(), next.wait);
  }

  leave(which) {
    const life = this[which];
    this[which] = null;
    if (life) life.handle.close();
  }

  planClimb() {
    this.env.clearTimeout(this.timers.climb);
    const plan = climb(this.ladder, this.env.random);
    if (!plan) return;
    this.timers.climb = this.env.setTimeout(() => {
      // Beside the one in use, which goes on until the better one has proved itself.
      if (this.current && !this.probe) this.probe = this.begin(plan.target);
    }, plan.wait);
  }

  promote() {
    const life = this.probe;
    this.probe = null;
    this.leave("current");
    this.current = life;
    this.failActs();
    this.ladder = climbed(this.ladder, life.level);
    this.tell("open");
    this.on.switched();
    this.planClimb();
  }

  /** Follows these streams from now on; `again` are streams whose events have a hole. */
  follow(streams, again = []) {
    const same = streams.join() === this.streams.join();
    this.streams = streams;
    if (same && !again.length) return;
    if (this.probe) {
      this.leave("probe");
      this.planClimb();
    }
    if (!this.current) return;
    if (this.current.handle.follow) {
      this.current.handle.follow(streams, again);
      return;
    }
    this.leave("current");
    this.env.clearTimeout(this.timers.retry);
    this.timers.retry = this.env.setTimeout(() => this.open(), again.length ? 300 : 0);
  }

  /** Sends an act over the WebSocket; resolves with its answer, or with null when none can come. */
  act(message) {
    const send = this.current && this.current.handle.send;
    if (!send) return Promise.resolve(null);
    this.counter += 1;
    const ref = `a${this.counter}`;
    return new Promise((resolve) => {
      const timer = this.env.setTimeout(() => this.settle(ref, null), ACT_TIMEOUT);
      this.acts.set(ref, { resolve, timer });
      if (!send({ ...message, ref })) this.settle(ref, null);
    });
  }

  settle(ref, answer) {
    const act = this.acts.get(ref);
    if (!act) return;
    this.acts.delete(ref);
    this.env.clearTimeout(act.timer);
    act.resolve(answer);
  }

  failActs() {
    for (const ref of [...this.acts.keys()]) this.settle(ref, null);
  }
}
