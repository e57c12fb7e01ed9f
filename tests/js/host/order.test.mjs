import assert from "node:assert/strict";
import { test } from "node:test";
import { followedItems, moveItem, neighborItem, placeAt } from "../../../static/js/host/order.js";

test("a moved item stands where it was put and all others keep their order", () => {
  const items = ["a", "b", "c", "d"];
  assert.deepEqual(moveItem(items, "a", 2), ["b", "c", "a", "d"]);
  assert.deepEqual(moveItem(items, "d", 0), ["d", "a", "b", "c"]);
  assert.deepEqual(moveItem(items, "b", 99), ["a", "c", "d", "b"]);
  assert.deepEqual(moveItem(items, "b", -5), ["b", "a", "c", "d"]);
  assert.equal(moveItem(items, "x", 1), items);
});

test("a row falls before the first row whose middle it has not passed", () => {
  const middles = [10, 30, 50, 70];
  assert.deepEqual([5, 25, 45, 80].map((y) => placeAt(middles, 1, y)), [0, 1, 1, 3]);
});

test("there is no item before the first and none after the last", () => {
  const items = ["polls/A", "polls/B", "tasks/9"];
  assert.deepEqual([neighborItem(items, "polls/A", -1), neighborItem(items, "polls/A", 1), neighborItem(items, "tasks/9", 1)], [null, "polls/B", null]);
  assert.deepEqual([neighborItem(items, null, 1), neighborItem(items, null, -1), neighborItem([], null, 1)], ["polls/A", "tasks/9", null]);
});

test("where there are many items, the active one, the open ones and the nearest are followed", () => {
  const items = Array.from({ length: 40 }, (_, n) => `polls/${n}`);
  const chosen = followedItems({ items, active: "polls/20" }, (item) => (item === "polls/2" ? "open" : "draft"), 5);
  assert.deepEqual(chosen, ["polls/2", "polls/19", "polls/20", "polls/21", "polls/18"].sort((a, b) => items.indexOf(a) - items.indexOf(b)));
});
