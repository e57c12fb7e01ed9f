// Keeps a page connected: opens the transport that the ladder names, reconnects after a loss, steps down where a proxy
// blocks a transport, and tries a better one beside the one in use.

import { LEVELS, START, afterEnding, climbFailed, climbSucceeded, planClimb } from "./ladder.js";
import { longpoll, poll } from "./polling.js";
import { mayReconnect } from "./protocol.js";
import { sse } from "./sse.js";
import { websocket } from "./websocket.js";

/** @import { Environment } from "./environment.js" */
/** @import { LadderState } from "./ladder.js" */
/** @import { Ending, Handle, Transport } from "./transport.js" */
/** @import { Message, Position, Reply, Stream } from "./wire.d.ts" */

/** @type {Readonly<Record<string, Transport>>} */
const TRANSPORTS = Object.freeze({ websocket, sse, longpoll, poll });
/** Statuses that another try, or another transport, would only repeat. */
const FINAL_STATUS = new Set([401, 403, 404, 410, 422]);
/** @type {Record<number, string>} */
const CODE_OF = {
  401: "unauthenticated", 403: "forbidden", 404: "no_such_stream", 410: "no_such_stream",
  4501: "unauthenticated", 4503: "forbidden", 4504: "no_such_stream", 4505: "malformed",
};
const REPLY_TIMEOUT = 8_000;
/** No transport that works is silent for this long. */
const SUSPICIOUS_SILENCE = 30_000;

/**
 * One transport in use, and what the ladder asks about it when it ends.
 * @typedef {object} Link
 * @property {number} level
 * @property {number} openedAt
 * @property {number} heardAt
 * @property {boolean} delivered
 * @property {Handle} handle
 */

/**
 * @typedef {object} Status
 * @property {"connecting" | "open" | "lost" | "refused"} state
 * @property {string} transport
 * @property {string} [code] why the connection was refused
 */

/**
 * @typedef {object} ConnectionListener
 * @property {(list: Message[]) => void} messages
 * @property {(status: Status) => void} status
 * @property {() => void} switched another transport has taken over
 * @property {(streams: Stream[]) => void} dropped the streams after the first were refused
 */

export class Connection {
  /**
   * @param {{streams: Stream[], audience?: boolean, positionOf: (stream: Stream) => Position | null,
   *   on: ConnectionListener, env: Environment, transports?: Record<string, Transport>}} options
   */
  constructor({ streams, audience = false, positionOf, on, env, transports = TRANSPORTS }) {
    this.streams = streams;
    this.spec = { audience, positionOf };
    this.on = on;
    this.env = env;
    this.transports = transports;
    /** @type {LadderState} */
    this.ladder = START;
    /** @type {Link | null} */
    this.current = null;
    /** @type {Link | null} a better transport that has yet to prove itself */
    this.probe = null;
    /** @type {{retry: number | null, climb: number | null}} */
    this.timers = { retry: null, climb: null };
    /** @type {Map<string, {resolve: (reply: Reply | null) => void, timer: number}>} requests without a reply, by `ref` */
    this.requests = new Map();
    this.counter = 0;
    this.stopped = true;
  }

  get transport() {
    return LEVELS[this.ladder.level];
  }

  start() {
    this.stopped = false;
    this.report("connecting");
    this.open();
  }

  stop() {
    this.stopped = true;
    this.env.clearTimeout(this.timers.retry);
    this.env.clearTimeout(this.timers.climb);
    this.close("current");
    this.close("probe");
    this.failRequests();
  }

  /** Reconnects now instead of at the next retry, for example when the network is back or the page is shown again. */
  retryNow() {
    if (this.stopped) return;
    if (!this.current) {
      this.ladder = { ...this.ladder, attempts: 0 };
      this.open();
    } else if (this.env.now() - this.current.heardAt > SUSPICIOUS_SILENCE) {
      const link = this.current;
      this.close("current");
      this.lost(link, { code: null, status: null, retry: null, silent: true });
    }
  }

  /** Tries the best transport at once: on another network, whatever blocked it may be gone. */
  networkChanged() {
    this.ladder = { ...this.ladder, climbs: 0 };
    if (this.current && !this.probe && this.ladder.level > 0) this.probe = this.openLink(0);
    this.retryNow();
  }

  /**
   * @param {Status["state"]} state
   * @param {{code?: string}} more
   */
  report(state, more = {}) {
    this.on.status({ state, transport: this.transport, ...more });
  }

  open() {
    this.env.clearTimeout(this.timers.retry);
    if (this.stopped || this.current) return;
    this.current = this.openLink(this.ladder.level);
    this.scheduleClimb();
  }

  /**
   * @param {number} level
   * @returns {Link}
   */
  openLink(level) {
    const now = this.env.now();
    /** @type {Link} */
    const link = { level, openedAt: now, heardAt: now, delivered: false, handle: { close() {} } };
    const on = {
      // An open WebSocket has passed every proxy. The other transports prove nothing before something arrives.
      opened: () => {
        if (link === this.probe) this.promote(link);
      },
      heard: () => this.heard(link),
      messages: (/** @type {Message[]} */ list) => {
        if (link === this.current) this.messages(list);
      },
      ended: (/** @type {Ending} */ ending) => this.ended(link, ending),
    };
    try {
      link.handle = this.transports[LEVELS[level]]({ ...this.spec, streams: this.streams }, on, this.env);
    } catch {
      // The browser forbids this transport or lacks it.
      this.env.setTimeout(() => this.ended(link, { code: null, status: null, retry: null, silent: false }), 0);
    }
    return link;
  }

  /** @param {Link} link */
  heard(link) {
    link.heardAt = this.env.now();
    link.delivered = true;
    if (link === this.probe) this.promote(link);
    if (link === this.current) this.report("open");
  }

  /** @param {Message[]} list */
  messages(list) {
    const events = [];
    for (const message of list) {
      if (message.ref === undefined) events.push(message);
      else this.resolveRequest(message.ref, message);
    }
    if (events.length) this.on.messages(events);
  }

  /**
   * @param {Link} link
   * @param {Ending} ending
   */
  ended(link, ending) {
    if (link === this.current) {
      this.current = null;
      this.lost(link, ending);
    } else if (link === this.probe) {
      this.probe = null;
      this.ladder = climbFailed(this.ladder);
      this.scheduleClimb();
    }
  }

  /**
   * @param {Link} link
   * @param {Ending} ending
   */
  lost(link, { code, status, retry, silent }) {
    this.failRequests();
    this.env.clearTimeout(this.timers.climb);
    this.close("probe");
    const refused = !mayReconnect(code) || (status !== null && FINAL_STATUS.has(status));
    const others = this.streams.slice(1);
    if (refused && (code || !others.length)) {
      this.stopped = true;
      this.report("refused", { code: CODE_OF[code || status || 0] || "internal" });
      return;
    }
    this.report("lost");
    let wait = retry;
    if (refused) {
      // One status refuses all streams of an address. The right to read the first one does not depend on the others,
      // so it is read alone.
      this.streams = this.streams.slice(0, 1);
      this.on.dropped(others);
      wait = 0;
    }
    const sentAway = code !== null && code >= 4000;
    const lasted = this.env.now() - link.openedAt;
    const next = afterEnding(this.ladder, { delivered: link.delivered, lasted, silent, sentAway, retry: wait }, this.env.random);
    this.ladder = next.state;
    this.timers.retry = this.env.setTimeout(() => this.open(), next.wait);
  }

  /** @param {"current" | "probe"} which */
  close(which) {
    const link = this[which];
    this[which] = null;
    if (link) link.handle.close();
  }

  scheduleClimb() {
    this.env.clearTimeout(this.timers.climb);
    const plan = planClimb(this.ladder, this.env.random);
    if (!plan) return;
    this.timers.climb = this.env.setTimeout(() => {
      // The connection in use stays open until the better transport has delivered something.
      if (this.current && !this.probe) this.probe = this.openLink(plan.target);
    }, plan.wait);
  }

  /** @param {Link} link */
  promote(link) {
    this.probe = null;
    this.close("current");
    this.current = link;
    this.failRequests();
    this.ladder = climbSucceeded(this.ladder, link.level);
    this.report("open");
    this.on.switched();
    this.scheduleClimb();
  }

  /**
   * Reads these streams from now on, and subscribes once more to those in `again`, which have missed events.
   * @param {Stream[]} streams
   * @param {Stream[]} again
   */
  follow(streams, again = []) {
    const same = streams.join() === this.streams.join();
    this.streams = streams;
    if (same && !again.length) return;
    if (this.probe) {
      this.close("probe");
      this.scheduleClimb();
    }
    if (!this.current) return;
    if (this.current.handle.follow) {
      this.current.handle.follow(streams, again);
      return;
    }
    this.close("current");
    this.env.clearTimeout(this.timers.retry);
    this.timers.retry = this.env.setTimeout(() => this.open(), again.length ? 300 : 0);
  }

  /**
   * Sends a request over the WebSocket; resolves with its reply, or with null when none can come.
   * @param {object} message
   * @returns {Promise<Reply | null>}
   */
  request(message) {
    const send = this.current && this.current.handle.send;
    if (!send) return Promise.resolve(null);
    this.counter += 1;
    const ref = `a${this.counter}`;
    return new Promise((resolve) => {
      const timer = this.env.setTimeout(() => this.resolveRequest(ref, null), REPLY_TIMEOUT);
      this.requests.set(ref, { resolve, timer });
      if (!send({ ...message, ref })) this.resolveRequest(ref, null);
    });
  }

  /**
   * @param {string} ref
   * @param {Reply | null} reply
   */
  resolveRequest(ref, reply) {
    const request = this.requests.get(ref);
    if (!request) return;
    this.requests.delete(ref);
    this.env.clearTimeout(request.timer);
    request.resolve(reply);
  }

  failRequests() {
    for (const ref of [...this.requests.keys()]) this.resolveRequest(ref, null);
  }
}
