// The wire as livewall/wire.py speaks it: positions, and what a reader does with an event.
// Knows no transport, no clock and no page.

/** "k3f9~.61" -> {epoch: "k3f9~", number: 61}; null for anything else. The epoch is compared, never read. */
export function parse(position) {
  if (typeof position !== "string") return null;
  const dot = position.lastIndexOf(".");
  const digits = position.slice(dot + 1);
  if (dot < 1 || !/^\d{1,15}$/.test(digits)) return null;
  return { epoch: position.slice(0, dot), number: Number(digits) };
}

/** Negative, 0 or positive as `a` is before, at or after `b`; null when they cannot be compared. */
export function compare(a, b) {
  const left = parse(a);
  const right = parse(b);
  if (!left || !right || left.epoch !== right.epoch) return null;
  return left.number - right.number;
}

/** Where a reader stands in one view of one stream. */
export class Cursor {
  constructor(position = null) {
    this.position = position; // good to resume from; null inside a snapshot
    this.at = position; // the last event taken, inside a snapshot too
    this.inSnapshot = false;
  }

  /**
   * What to do with an event: "reset", "synced", "error", "apply", "ignore", or "resume"
   * (there is a hole, or another epoch: ask again from `position`).
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
      this.position = this.at = event.pos;
      return "synced";
    }
    if (event.pos === undefined) return "apply"; // volatile: who is online, typing
    if (this.inSnapshot && this.at === null) {
      this.at = event.pos;
      return "apply";
    }
    const after = compare(event.pos, this.at);
    const from = compare(event.prev, this.at);
    if (after === null || from === null) return "resume";
    if (after <= 0) return "ignore";
    if (from > 0) return "resume";
    this.at = event.pos;
    if (!this.inSnapshot) this.position = event.pos;
    return "apply";
  }

  /** Does a heartbeat name a place this reader has not reached? */
  isBehind(position) {
    if (this.position === null) return false;
    const ahead = compare(position, this.position);
    return ahead === null || ahead > 0;
  }
}

/** The position list of an address: one element a stream, empty where there is none. */
export function since(streams, positionOf) {
  const list = streams.map((stream) => positionOf(stream) || "");
  return list.some(Boolean) ? list.join(",") : "";
}

/** The part of an address that names streams and, if they are known, positions. */
export function address(streams, { positionOf = () => null, audience = false, wait } = {}) {
  const query = new URLSearchParams();
  const from = since(streams, positionOf);
  if (from) query.set("since", from);
  if (audience) query.set("as", "audience");
  if (wait !== undefined) query.set("wait", wait);
  const text = query.toString();
  return streams.join(",") + (text ? `?${text}` : "");
}

/** Close codes tell a client what to do: 4500-4999 stay away, everything else comes back. */
export function mayComeBack(code) {
  return !(code >= 4500 && code <= 4999);
}

/** A drain says in the reason after how many milliseconds to come back. */
export function delayIn(reason) {
  return /^\d{1,7}$/.test(reason || "") ? Number(reason) : null;
}
