// The wire protocol without I/O: positions, what a reader does with an event, addresses and close codes.

/** @import { Position, Stream, StreamEvent } from "./wire.d.ts" */

/**
 * Splits "k3f9~.61" into its epoch "k3f9~" and its number 61; returns null for anything else. Epochs are compared and
 * never interpreted.
 * @param {unknown} position
 */
export function parsePosition(position) {
  if (typeof position !== "string") return null;
  const dot = position.lastIndexOf(".");
  const digits = position.slice(dot + 1);
  if (dot < 1 || !/^\d{1,15}$/.test(digits)) return null;
  return { epoch: position.slice(0, dot), number: Number(digits) };
}

/**
 * Returns a negative number, 0 or a positive number as `a` is before, at or after `b`; null when the two cannot be
 * compared.
 * @param {unknown} a
 * @param {unknown} b
 */
export function comparePositions(a, b) {
  const left = parsePosition(a);
  const right = parsePosition(b);
  if (!left || !right || left.epoch !== right.epoch) return null;
  return left.number - right.number;
}

/** Where a reader stands in one view of one stream. */
export class Cursor {
  /** @param {Position | null} position */
  constructor(position = null) {
    /** From here the stream can be resumed; null inside a snapshot. */
    this.position = position;
    /** The last event that was taken, inside a snapshot too. */
    this.at = position;
    this.inSnapshot = false;
  }

  /**
   * Returns what to do with an event: "reset", "synced", "error", "apply", "ignore", or "resume" (events are missing,
   * or the epoch is another one: subscribe again from `position`).
   * @param {StreamEvent} event
   */
  take(event) {
    if (event.error) return "error";
    if (event.reset) {
      this.position = null;
      this.at = null;
      this.inSnapshot = true;
      return "reset";
    }
    if (event.synced) {
      if (!this.inSnapshot && this.position === null) return "resume";
      this.inSnapshot = false;
      this.position = this.at = event.pos || null;
      return "synced";
    }
    if (event.pos === undefined) return "apply"; // a volatile event, such as who is online
    if (this.inSnapshot && this.at === null) {
      this.at = event.pos;
      return "apply";
    }
    const after = comparePositions(event.pos, this.at);
    const from = comparePositions(event.prev, this.at);
    if (after === null || from === null) return "resume";
    if (after <= 0) return "ignore";
    if (from > 0) return "resume";
    this.at = event.pos;
    if (!this.inSnapshot) this.position = event.pos;
    return "apply";
  }

  /**
   * Whether a heartbeat names a position that this reader has not reached.
   * @param {Position} position
   */
  isBehind(position) {
    if (this.position === null) return false;
    const ahead = comparePositions(position, this.position);
    return ahead === null || ahead > 0;
  }
}

/**
 * Returns the `since` of an address: one element per stream, empty for a stream without a position.
 * @param {Stream[]} streams
 * @param {(stream: Stream) => Position | null} positionOf
 */
function sinceOf(streams, positionOf) {
  const list = streams.map((stream) => positionOf(stream) || "");
  return list.some(Boolean) ? list.join(",") : "";
}

/**
 * Returns the part of an address that names streams and, where they are known, positions.
 * @param {Stream[]} streams
 * @param {{positionOf?: (stream: Stream) => Position | null, audience?: boolean, wait?: number}} [options]
 */
export function streamAddress(streams, { positionOf = () => null, audience = false, wait } = {}) {
  const query = new URLSearchParams();
  const since = sinceOf(streams, positionOf);
  if (since) query.set("since", since);
  if (audience) query.set("as", "audience");
  if (wait !== undefined) query.set("wait", String(wait));
  const text = query.toString();
  return streams.join(",") + (text ? `?${text}` : "");
}

/**
 * Whether a close code lets a client connect again: 4500-4999 tell it not to.
 * @param {number | null} code
 */
export function mayReconnect(code) {
  return code === null || !(code >= 4500 && code <= 4999);
}

/**
 * Returns the milliseconds after which a server that drains asks its clients to reconnect: the reason of the close.
 * @param {string | undefined} reason
 */
export function reconnectDelay(reason) {
  return /^\d{1,7}$/.test(reason || "") ? Number(reason) : null;
}
