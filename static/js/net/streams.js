// The streams that a page follows: for each its cursor and its state, and how current the whole is. Connects
// connection.js with protocol.js and state.js, and tells the page when to draw.

import { Clock } from "./clock.js";
import { Connection } from "./connection.js";
import { Cursor } from "./protocol.js";
import { EMPTY, reduce } from "./state.js";

/** @import { ConnectionListener, Status } from "./connection.js" */
/** @import { Environment } from "./environment.js" */
/** @import { StreamState } from "./state.js" */
/** @import { Message, Position, Stream, StreamEvent } from "./wire.d.ts" */

/** The page does not mention a loss shorter than this. */
const GRACE = 1_200;
/** The first connection may have to step down to a transport that works. */
const FIRST_GRACE = 6_000;

/**
 * @typedef {object} Entry
 * @property {Cursor} cursor
 * @property {StreamState} state
 * @property {Position | null} ahead a position beyond the cursor that a heartbeat has named once
 */

/** @typedef {"connecting" | "live" | "catching-up" | "lost" | "refused"} DisplayState */

/** @typedef {{streams: Stream[], audience: boolean, env: Environment, on: ConnectionListener,
 *   positionOf: (stream: Stream) => Position | null}} ConnectionOptions */

export class LiveStreams {
  /**
   * `onChange` is called after each batch of events and each change of the connection.
   * @param {{streams: Stream[], audience?: boolean, onChange: (streams: LiveStreams) => void, env: Environment,
   *   connect?: (options: ConnectionOptions) => Connection}} options
   */
  constructor({ streams, audience = false, onChange, env, connect = (options) => new Connection(options) }) {
    /** @type {Map<Stream, Entry>} */
    this.entries = new Map();
    this.clock = new Clock(env.wallClock);
    this.env = env;
    this.changed = () => onChange(this);
    /** @type {Status["state"]} */
    this.status = "connecting";
    /** @type {string | null} */
    this.refusal = null;
    this.heardAt = 0;
    /** @type {number | null} */
    this.graceTimer = null;
    this.connection = connect({
      streams,
      audience,
      env,
      positionOf: (stream) => this.entry(stream).cursor.position,
      on: {
        messages: (list) => this.receive(list),
        status: (status) => this.connectionChanged(status),
        switched: () => this.transportSwitched(),
        dropped: (dropped) => this.drop(dropped),
      },
    });
  }

  get streams() {
    return this.connection.streams;
  }

  start() {
    this.heardAt = this.env.now(); // the state that the server put into the page is as old as the page
    this.connection.start();
    this.changed();
  }

  stop() {
    this.env.clearTimeout(this.graceTimer);
    this.connection.stop();
  }

  /**
   * @param {Stream} stream
   * @returns {Entry}
   */
  entry(stream) {
    let entry = this.entries.get(stream);
    if (!entry) {
      entry = { cursor: new Cursor(), state: EMPTY, ahead: null };
      this.entries.set(stream, entry);
    }
    return entry;
  }

  /** @param {Stream | null | undefined} stream */
  state(stream) {
    return stream ? this.entry(stream).state : EMPTY;
  }

  /**
   * Forgets the state of a stream, an error too.
   * @param {Stream} stream
   */
  forget(stream) {
    this.entry(stream).state = EMPTY;
  }

  /**
   * Forgets values of a stream that the page holds elsewhere: a stream without an end would fill the memory.
   * @param {Stream} stream
   * @param {(key: string) => boolean} isKept
   */
  trim(stream, isKept) {
    const entry = this.entry(stream);
    const values = Object.fromEntries(Object.entries(entry.state.values).filter(([key]) => isKept(key)));
    entry.state = { ...entry.state, values };
  }

  /**
   * What the page says about the connection.
   * @returns {DisplayState}
   */
  get displayState() {
    if (this.status !== "open") return this.status;
    const waiting = this.streams.some((stream) => {
      const { state, cursor } = this.entry(stream);
      return cursor.inSnapshot || !(state.ready || state.error);
    });
    return waiting ? "catching-up" : "live";
  }

  /** Milliseconds since anything arrived. */
  get age() {
    return this.env.now() - this.heardAt;
  }

  /** @param {Stream[]} streams */
  follow(streams) {
    for (const stream of this.entries.keys()) if (!streams.includes(stream)) this.entries.delete(stream);
    this.connection.follow(streams);
  }

  /** @param {object} message */
  request(message) {
    return this.connection.request(message);
  }

  /** @param {Message[]} list */
  receive(list) {
    /** @type {Set<Stream>} */
    const gaps = new Set();
    for (const message of list) {
      if (message.now) this.clock.sample(message.now);
      if (message.heartbeat) this.checkHeartbeat(message.heartbeat, gaps);
      else if (message.stream) this.take({ ...message, stream: message.stream }, gaps);
    }
    if (gaps.size) this.resume([...gaps]);
    this.changed();
  }

  /**
   * @param {StreamEvent} event
   * @param {Set<Stream>} gaps
   */
  take(event, gaps) {
    if (!this.streams.includes(event.stream)) return; // the page stopped following it while the event was on its way
    const entry = this.entry(event.stream);
    const verdict = entry.cursor.take(event);
    entry.ahead = null;
    if (verdict === "resume") gaps.add(event.stream);
    else if (verdict !== "ignore") entry.state = reduce(entry.state, event);
  }

  /**
   * A heartbeat may overtake the events before it. Only when two in a row name a position beyond the cursor, and no
   * event came between them, have events been lost.
   * @param {Record<Stream, Position>} heartbeat
   * @param {Set<Stream>} gaps
   */
  checkHeartbeat(heartbeat, gaps) {
    for (const [stream, position] of Object.entries(heartbeat)) {
      if (!this.streams.includes(stream)) continue;
      const entry = this.entry(stream);
      if (!entry.cursor.isBehind(position)) entry.ahead = null;
      else if (entry.ahead) gaps.add(stream);
      else entry.ahead = position;
    }
  }

  /** @param {Stream[]} streams */
  resume(streams) {
    for (const stream of streams) {
      const entry = this.entry(stream);
      entry.ahead = null;
      if (entry.cursor.inSnapshot) entry.cursor = new Cursor();
    }
    this.connection.follow(this.streams, streams);
  }

  /** Asks again for the snapshots that the old transport had not finished. */
  transportSwitched() {
    const unfinished = this.streams.filter((stream) => this.entry(stream).cursor.inSnapshot);
    if (unfinished.length) this.resume(unfinished);
  }

  /** @param {Stream[]} streams */
  drop(streams) {
    for (const stream of streams) {
      const entry = this.entry(stream);
      entry.state = reduce(entry.state, { error: { code: "no_such_stream" } });
    }
    this.changed();
  }

  /** @param {Pick<Status, "state" | "code">} status */
  connectionChanged({ state, code }) {
    if (state === "open") {
      this.heardAt = this.env.now();
      this.env.clearTimeout(this.graceTimer);
      this.graceTimer = null;
      this.setStatus("open");
    } else if (state === "lost") {
      for (const entry of this.entries.values()) if (entry.cursor.inSnapshot) entry.cursor = new Cursor();
      if (this.status !== "lost" && !this.graceTimer) {
        const grace = this.status === "open" ? GRACE : FIRST_GRACE;
        this.graceTimer = this.env.setTimeout(() => this.setStatus("lost"), grace);
      }
    } else if (state === "refused") {
      this.env.clearTimeout(this.graceTimer);
      this.refusal = code || null;
      this.setStatus(state);
    }
  }

  /** @param {Status["state"]} status */
  setStatus(status) {
    if (status === "lost") this.graceTimer = null;
    if (this.status === status) return;
    this.status = status;
    this.changed();
  }
}
