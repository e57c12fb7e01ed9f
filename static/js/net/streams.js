// What a page holds: for each stream the cursor, the reduced state and whether it is fit to be shown. Ties the
// connection to protocol.js and state.js and tells the page when to draw.

import { Clock } from "./clock.js";
import { Connection } from "./connection.js";
import { Cursor } from "./protocol.js";
import { EMPTY, reduce } from "./state.js";

/** A loss shorter than this is not worth a word on the wall. */
const GRACE = 1_200;
/** The first connection may have to find its way. */
const FIRST_GRACE = 6_000;

export class Live {
  /** `changed(live)` is called after each batch of events and each change of the connection. */
  constructor({ streams, audience = false, changed, env, connect = (options) => new Connection(options) }) {
    this.held = new Map(); // stream -> {cursor, state, behind}
    this.clock = new Clock(env.wallClock);
    this.env = env;
    this.changed = () => changed(this);
    this.status = "connecting";
    this.refusal = null;
    this.heardAt = 0;
    this.graceTimer = null;
    this.connection = connect({
      streams,
      audience,
      env,
      positionOf: (stream) => this.hold(stream).cursor.position,
      on: {
        messages: (list) => this.messages(list),
        status: (status) => this.connectionIs(status),
        switched: () => this.switched(),
        dropped: (dropped) => this.dropped(dropped),
      },
    });
  }

  get streams() {
    return this.connection.streams;
  }

  start() {
    this.heardAt = this.env.now(); // what the server put into the page is as old as the page
    this.connection.start();
    this.changed();
  }

  stop() {
    this.env.clearTimeout(this.graceTimer);
    this.connection.stop();
  }

  hold(stream) {
    if (!this.held.has(stream)) this.held.set(stream, { cursor: new Cursor(), state: EMPTY, behind: null });
    return this.held.get(stream);
  }

  state(stream) {
    return stream ? this.hold(stream).state : EMPTY;
  }

  /** The corner's word: connecting, live, catching-up, lost, refused. */
  get corner() {
    if (this.status !== "open") return this.status;
    const waiting = this.streams.some((stream) => {
      const { state, cursor } = this.hold(stream);
      return cursor.inSnapshot || !(state.ready || state.error);
    });
    return waiting ? "catching-up" : "live";
  }

  /** Milliseconds since anything was heard. */
  get age() {
    return this.env.now() - this.heardAt;
  }

  follow(streams) {
    for (const stream of this.held.keys()) if (!streams.includes(stream)) this.held.delete(stream);
    this.connection.follow(streams);
  }

  act(message) {
    return this.connection.act(message);
  }

  messages(list) {
    const again = new Set();
    for (const message of list) {
      if (message.now) this.clock.hear(message.now);
      if (message.heartbeat) this.compareWith(message.heartbeat, again);
      else if (message.stream) this.take(message, again);
    }
    if (again.size) this.resume([...again]);
    this.changed();
  }

  take(event, again) {
    if (!this.streams.includes(event.stream)) return; // left a moment ago
    const held = this.hold(event.stream);
    const verdict = held.cursor.take(event);
    held.behind = null;
    if (verdict === "resume") again.add(event.stream);
    else if (verdict !== "ignore") held.state = reduce(held.state, event);
  }

  /** A heartbeat that twice names a place we have not reached, while nothing else arrived, means a hole. */
  compareWith(heartbeat, again) {
    for (const [stream, position] of Object.entries(heartbeat)) {
      if (!this.streams.includes(stream)) continue;
      const held = this.hold(stream);
      if (!held.cursor.isBehind(position)) held.behind = null;
      else if (held.behind) again.add(stream);
      else held.behind = position;
    }
  }

  resume(streams) {
    for (const stream of streams) {
      const held = this.hold(stream);
      held.behind = null;
      if (held.cursor.inSnapshot) held.cursor = new Cursor();
    }
    this.connection.follow(this.streams, streams);
  }

  /** Another transport took over: what the old one had begun to say as a snapshot is asked for anew. */
  switched() {
    const cut = this.streams.filter((stream) => this.hold(stream).cursor.inSnapshot);
    if (cut.length) this.resume(cut);
  }

  dropped(streams) {
    for (const stream of streams) {
      const held = this.hold(stream);
      held.state = reduce(held.state, { error: { code: "no_such_stream" } });
    }
    this.changed();
  }

  connectionIs({ state, code }) {
    if (state === "open") {
      this.heardAt = this.env.now();
      this.env.clearTimeout(this.graceTimer);
      this.graceTimer = null;
      this.settle("open");
    } else if (state === "lost") {
      for (const held of this.held.values()) if (held.cursor.inSnapshot) held.cursor = new Cursor();
      if (this.status !== "lost" && !this.graceTimer) {
        const grace = this.status === "open" ? GRACE : FIRST_GRACE;
        this.graceTimer = this.env.setTimeout(() => this.settle("lost"), grace);
      }
    } else if (state === "refused") {
      this.env.clearTimeout(this.graceTimer);
      this.refusal = code || null;
      this.settle(state);
    }
  }

  settle(status) {
    if (status === "lost") this.graceTimer = null;
    if (this.status === status) return;
    this.status = status;
    this.changed();
  }
}
