// What the transports share. A transport is a function (spec, on, env) that connects at once and returns a handle.

/** @import { Environment } from "./environment.js" */
/** @import { Message, Position, Stream } from "./wire.d.ts" */

/**
 * What a transport is to read.
 * @typedef {object} Spec
 * @property {Stream[]} streams
 * @property {(stream: Stream) => Position | null} positionOf
 * @property {boolean} [audience] whether to read as the audience, whoever is signed in
 */

/**
 * How a transport ended.
 * @typedef {object} Ending
 * @property {number | null} code the close code of a WebSocket
 * @property {number | null} status the status of an HTTP answer that was not the expected one
 * @property {number | null} retry after how many milliseconds the server asks the page to reconnect
 * @property {boolean} silent whether it was given up because nothing arrived
 */

/**
 * What a transport calls, never before it has returned its handle. `ended` comes once, and never after `close()`.
 * @typedef {object} Listener
 * @property {() => void} opened
 * @property {() => void} heard anything arrived, even if it is only a sign of life
 * @property {(messages: Message[]) => void} messages
 * @property {(ending: Ending) => void} ended
 */

/**
 * @typedef {object} Handle
 * @property {() => void} close
 * @property {(streams: Stream[], again?: Stream[]) => void} [follow] reads exactly these streams from now on, and
 *   subscribes once more to those in `again`
 * @property {(message: object) => boolean} [send] false where the message could not be sent
 */

/** @typedef {(spec: Spec, on: Listener, env: Environment) => Handle} Transport */

/** Milliseconds. */
export const LIMITS = Object.freeze({
  open: 5_000, // a WebSocket that is not open by then is blocked on its way
  first: 4_000, // a snapshot is sent at once, so silence means a proxy that buffers the answer
  websocket: 45_000, // heartbeats come every 20 s
  sse: 35_000, // heartbeats come every 15 s
  wait: 25_000, // how long a long poll asks the server to wait
  answer: 8_000, // how much longer its answer may take
  interval: 2_000, // between two plain polls
  hidden: 10_000, // between two plain polls of a page that nobody sees
});

/**
 * Returns a timer that calls `expired` unless it is wound again in time.
 * @param {Environment} env
 * @param {() => void} expired
 */
export function watchdog(env, expired) {
  /** @type {number | null} */
  let timer = null;
  return {
    /** @param {number} milliseconds */
    wind(milliseconds) {
      env.clearTimeout(timer);
      timer = env.setTimeout(expired, milliseconds);
    },
    stop() {
      env.clearTimeout(timer);
      timer = null;
    },
  };
}

/**
 * Returns a listener that passes everything on to `on` until the transport has ended, whoever ended it, and nothing
 * afterwards. `release` frees what the transport holds.
 * @param {Listener} on
 * @param {() => void} release
 */
export function untilEnd(on, release) {
  let over = false;
  return {
    get over() {
      return over;
    },
    /** @param {Message[]} list */
    messages(list) {
      if (!over) on.messages(list);
    },
    opened() {
      if (!over) on.opened();
    },
    heard() {
      if (!over) on.heard();
    },
    /** @param {Partial<Ending>} ending */
    end(ending) {
      if (over) return;
      over = true;
      release();
      on.ended({ code: null, status: null, retry: null, silent: false, ...ending });
    },
    close() {
      if (over) return;
      over = true;
      release();
    },
  };
}

/**
 * Whether the reader has a position in every stream, so that the server may have nothing to send.
 * @param {Spec} spec
 */
export function isResuming(spec) {
  return spec.streams.every((stream) => spec.positionOf(stream));
}

/**
 * Returns the milliseconds of `Retry-After`, or null if the answer does not ask for a wait.
 * @param {Response} response
 */
export function retryAfter(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  if (response.status !== 503 && response.status !== 429) return null;
  return seconds > 0 ? seconds * 1000 : null;
}
