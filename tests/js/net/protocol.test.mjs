import assert from "node:assert/strict";
import { test } from "node:test";
import { Cursor, comparePositions, mayReconnect, parsePosition, reconnectDelay, streamAddress } from "../../../static/js/net/protocol.js";

const event = (number, prev, more = {}) => ({ stream: "polls/A", pos: `e.${number}`, prev: `e.${prev}`, key: "tally", data: {}, ...more });
const at = (position) => new Cursor(position);

test("a position is an epoch and a number", () => {
  assert.deepEqual(parsePosition("k3f9~.61"), { epoch: "k3f9~", number: 61 });
  for (const bad of ["", "61", ".61", "e.", "e.x", "e.-1", "e.1e3", null, undefined, "e." + "9".repeat(40)]) assert.equal(parsePosition(bad), null);
});

test("positions are compared as numbers, and only within an epoch", () => {
  assert.ok(comparePositions("e.9", "e.10") < 0);
  assert.equal(comparePositions("e.9", "f.9"), null);
  assert.equal(comparePositions("e.9", "e~.9"), null);
});

test("the next event is applied", () => {
  const cursor = at("e.4");
  assert.equal(cursor.take(event(5, 4)), "apply");
  assert.equal(cursor.position, "e.5");
});

test("an event whose prev spans conflated events is applied", () => {
  assert.equal(at("e.4").take(event(9, 2)), "apply");
});

test("an old event is ignored", () => {
  const cursor = at("e.4");
  assert.equal(cursor.take(event(4, 3)), "ignore");
  assert.equal(cursor.position, "e.4");
});

test("a gap asks to resume and does not move the cursor", () => {
  const cursor = at("e.4");
  assert.equal(cursor.take(event(7, 5)), "resume");
  assert.equal(cursor.position, "e.4");
});

test("another epoch asks to resume", () => {
  assert.equal(at("d.4").take(event(5, 4)), "resume");
});

test("an event before any snapshot asks to resume", () => {
  assert.equal(at(null).take(event(5, 4)), "resume");
});

test("inside a snapshot there is no position to resume from", () => {
  const cursor = at("e.4");
  assert.equal(cursor.take({ stream: "polls/A", reset: true }), "reset");
  assert.equal(cursor.take(event(5, 0)), "apply");
  assert.equal(cursor.position, null);
  assert.equal(cursor.take(event(8, 5)), "apply");
  assert.equal(cursor.take({ stream: "polls/A", synced: true, pos: "e.9" }), "synced");
  assert.equal(cursor.position, "e.9");
});

test("a snapshot of an empty stream is reset and synced", () => {
  const cursor = at(null);
  cursor.take({ reset: true });
  assert.equal(cursor.take({ synced: true, pos: "e.0" }), "synced");
  assert.equal(cursor.take(event(1, 0)), "apply");
});

test("a volatile event has no position and is always applied", () => {
  const cursor = at("e.4");
  assert.equal(cursor.take({ stream: "rooms/ops", key: "online", data: {} }), "apply");
  assert.equal(cursor.position, "e.4");
});

test("a heartbeat ahead of the reader is noticed", () => {
  assert.equal(at("e.4").isBehind("e.4"), false);
  assert.equal(at("e.4").isBehind("e.5"), true);
  assert.equal(at("e.4").isBehind("f.1"), true);
  assert.equal(at(null).isBehind("e.5"), false);
});

test("an address names streams, with an empty element for one without a position", () => {
  assert.equal(streamAddress(["walls/K7M2QD"]), "walls/K7M2QD");
  const positionOf = (stream) => (stream === "polls/A" ? "e.4" : null);
  assert.equal(streamAddress(["walls/K", "polls/A"], { positionOf, audience: true, wait: 25 }), "walls/K,polls/A?since=%2Ce.4&as=audience&wait=25");
});

test("clients stay away after close codes from 4500 on, and reconnect after all others", () => {
  assert.deepEqual([1001, 1006, 4000, 4499].map(mayReconnect), [true, true, true, true]);
  assert.deepEqual([4500, 4501, 4999].map(mayReconnect), [false, false, false]);
});

test("the delay of a drain is a number in the reason", () => {
  assert.equal(reconnectDelay("3500"), 3500);
  assert.equal(reconnectDelay(""), null);
  assert.equal(reconnectDelay("soon"), null);
});
