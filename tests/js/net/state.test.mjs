import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY, reduce } from "../../../static/js/net/state.js";

const all = (...events) => events.reduce(reduce, EMPTY);
const reset = { reset: true };
const synced = { synced: true, pos: "e.9" };

test("the newest value of a key is kept", () => {
  const held = all(reset, synced, { key: "tally", data: 1 }, { key: "tally", data: 2 });
  assert.deepEqual(held.values, { tally: 2 });
});

test("null deletes a key", () => {
  assert.deepEqual(all(reset, synced, { key: "poll", data: {} }, { key: "poll", data: null }).values, {});
});

test("null at a conversation's messages deletes all of them, and no others", () => {
  const said = ["message/c1/1", "message/c1/2", "message/c10/1"].map((key) => ({ key, data: key }));
  const held = all(reset, synced, ...said, { key: "message/c1", data: null });
  assert.deepEqual(Object.keys(held.values), ["message/c10/1"]);
});

test("a snapshot says whether there is more than it has", () => {
  assert.equal(all(reset, synced).earlier, false);
  assert.equal(all({ ...reset, earlier: true }, synced).earlier, true);
});

test("a snapshot is shown when it is complete, and the old state stays until then", () => {
  const before = all(reset, { key: "poll", data: "old" }, { key: "tally", data: "old" }, synced);
  const half = [reset, { key: "poll", data: "new" }].reduce(reduce, before);
  assert.deepEqual(half.values, { poll: "old", tally: "old" });
  assert.deepEqual(reduce(half, synced).values, { poll: "new" });
});

test("nothing is ready before the first snapshot is complete", () => {
  assert.equal(all(reset, { key: "poll", data: {} }).ready, false);
  assert.equal(all(reset, synced).ready, true);
});

test("the next reset drops an incomplete snapshot", () => {
  assert.deepEqual(all(reset, { key: "a", data: 1 }, reset, { key: "b", data: 2 }, synced).values, { b: 2 });
});

test("a refusal keeps the last values", () => {
  const held = all(reset, { key: "poll", data: 1 }, synced, { error: { code: "forbidden" } });
  assert.equal(held.error.code, "forbidden");
  assert.deepEqual(held.values, { poll: 1 });
});

test("the reducer does not change its arguments", () => {
  const held = Object.freeze({ ...EMPTY, values: Object.freeze({ a: 1 }) });
  reduce(held, { key: "a", data: 2 });
  assert.deepEqual(held.values, { a: 1 });
});
