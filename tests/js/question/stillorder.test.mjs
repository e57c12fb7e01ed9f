import assert from "node:assert/strict";
import { test } from "node:test";
import { Hold, arrange } from "../../../static/js/question/stillorder.js";

test("a list that nobody points at has the order in which its items belong", () => {
  assert.deepEqual(arrange([1, 2, 3], [3, 4, 1], false), { keys: [3, 4, 1], heldBack: 0 });
  assert.deepEqual(arrange([], [2, 1], true), { keys: [2, 1], heldBack: 0 });
});

test("while it is held, nothing moves, whatever is voted for", () => {
  assert.deepEqual(arrange([1, 2, 3], [3, 2, 1], true), { keys: [1, 2, 3], heldBack: 0 });
});

test("what is new stands below all others or is held back", () => {
  assert.deepEqual(arrange([1, 2], [4, 1, 5, 2, 6, 7], true), { keys: [1, 2, 6, 7], heldBack: 2 });
  // What was added below is shown, and stays there.
  assert.deepEqual(arrange([1, 2, 6, 7], [7, 4, 1, 5, 2, 6], true), { keys: [1, 2, 6, 7], heldBack: 2 });
});

test("what was taken off keeps its place while the list is held", () => {
  assert.deepEqual(arrange([1, 2, 3], [1, 3], true), { keys: [1, 2, 3], heldBack: 0 });
  assert.deepEqual(arrange([1, 2, 3], [1, 3], false).keys, [1, 3]);
});

test("a list is held until a moment after the last pointer has left", () => {
  const hold = new Hold(1_500);
  assert.equal(hold.isHeld(0), false);
  hold.begin("pointer");
  hold.begin("focus");
  hold.end("pointer", 100);
  assert.deepEqual([hold.isHeld(99_000), hold.remaining(99_000)], [true, null]);
  hold.end("focus", 100_000);
  hold.end("focus", 101_000); // twice is once
  assert.deepEqual([hold.isHeld(101_499), hold.remaining(101_499), hold.isHeld(101_500)], [true, 1, false]);
  hold.begin("finger");
  hold.release();
  assert.deepEqual([hold.isHeld(200_000), hold.remaining(200_000)], [false, null]);
});
