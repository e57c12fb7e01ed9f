// What a projector shows of questions: the order that changes calmly, the rows that fit, and the reactions.

import assert from "node:assert/strict";
import { test } from "node:test";

import { inOrder } from "../../../static/js/question/order.js";
import { CalmOrder } from "../../../static/js/wall/calmorder.js";
import { fittingCount } from "../../../static/js/wall/fitting.js";
import { beginning } from "../../../static/js/wall/longtext.js";
import { ReactionCounts } from "../../../static/js/wall/reactionedge.js";

const asked = (...given) => inOrder(given.map(([n, votes, state = "shown"]) => ({ n, votes, state, text: "", name: "" })));
const numbers = ({ rows }) => rows.map(({ n }) => n);

test("the order changes at most once in two seconds", () => {
  const order = new CalmOrder();
  assert.deepEqual(numbers(order.arrange(asked([1, 5], [2, 4]), 0)), [1, 2]);
  const held = order.arrange(asked([1, 5], [2, 6]), 500);
  assert.deepEqual(numbers(held), [1, 2]);
  assert.equal(held.due, 1_500);
  assert.deepEqual(numbers(order.arrange(asked([1, 7], [2, 8]), 1_999)), [1, 2]);
  const changed = order.arrange(asked([1, 7], [2, 8]), 2_000);
  assert.deepEqual(numbers(changed), [2, 1]);
  assert.equal(changed.due, null);
});

test("votes are shown at once, whatever the order", () => {
  const order = new CalmOrder();
  order.arrange(asked([1, 5], [2, 4]), 0);
  const { rows } = order.arrange(asked([1, 5], [2, 6]), 100);
  assert.deepEqual(rows.map(({ votes }) => votes), [5, 6]);
});

test("a question that is hidden leaves at once, and nothing else moves", () => {
  const order = new CalmOrder();
  order.arrange(asked([1, 5], [2, 4], [3, 3]), 0);
  assert.deepEqual(numbers(order.arrange(asked([1, 5], [3, 9]), 10)), [1, 3]);
});

test("the question that is being answered stands alone", () => {
  const order = new CalmOrder();
  const { pinned, rows } = order.arrange(asked([1, 5], [2, 0, "pinned"], [3, 9]), 0);
  assert.equal(pinned.n, 2);
  assert.deepEqual(numbers({ rows }), [3, 1]);
  assert.equal(order.arrange(asked([1, 5], [3, 9]), 5).pinned, null);
});

test("of the rows those are shown that have room, and at least one", () => {
  assert.equal(fittingCount([], { gap: 2, room: 10 }), 0);
  assert.equal(fittingCount([5, 5, 5], { gap: 2, room: 12 }), 2);
  assert.equal(fittingCount([5, 5, 5], { gap: 2, room: 19 }), 3);
  assert.equal(fittingCount([50, 5], { gap: 2, room: 19 }), 1);
});

test("a text of 4,000 characters is cut before it is drawn, between letters", () => {
  assert.equal(beginning("short"), "short");
  assert.equal(beginning("😂".repeat(4_000)), `${"😂".repeat(600)}…`);
});

test("reactions add up while they come, and leave when they have stopped", () => {
  const counts = new ReactionCounts();
  counts.add({ "👏": 3 }, 0);
  counts.add({ "👏": 2, "🎉": 1 }, 3_000);
  assert.deepEqual(counts.shown(4_000), [["👏", 5], ["🎉", 1]]);
  counts.add({ "🎉": 1 }, 8_000);
  assert.deepEqual(counts.shown(9_500), [["🎉", 2]]);
  counts.add({ "👏": 1 }, 10_000);
  assert.deepEqual(counts.shown(10_000), [["🎉", 2], ["👏", 1]]);
});
