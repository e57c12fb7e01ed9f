import assert from "node:assert/strict";
import { test } from "node:test";
import { Lines, Place } from "../../../static/js/log/lines.js";

const line = (n, length = 100) => ({ n, offset: n * 101, text: "x".repeat(length), at: null, cut: false });
const range = (from, count, length) => Array.from({ length: count }, (_, index) => line(from + index, length));

test("what is missing is asked for, what is there is not", () => {
  const lines = new Lines();
  lines.grow({ lines: 1_000, bytes: 101_000 });
  assert.deepEqual(lines.missing(1, 40), { from: 1, count: 40 });
  lines.put(range(1, 20));
  assert.deepEqual(lines.missing(1, 40), { from: 21, count: 20 });
  lines.put(range(21, 20));
  assert.equal(lines.missing(1, 40), null);
  assert.equal(lines.missing(990, 2_000).from, 990);
  assert.equal(lines.missing(1_001, 1_010), null);
});

test("fewer lines are asked for where they are long", () => {
  const lines = new Lines();
  lines.grow({ lines: 100, bytes: 100 * 5_000_000 });
  assert.ok(lines.missing(1, 100).count <= 10);
});

test("the last line is shown as it was until its newer self is here", () => {
  const lines = new Lines();
  lines.grow({ lines: 2, bytes: 10 });
  lines.put(range(1, 2));
  assert.equal(lines.grow({ lines: 2, bytes: 12 }), true);
  assert.ok(lines.get(2));
  assert.deepEqual(lines.missing(1, 2), { from: 2, count: 1 });
  lines.put([line(2, 110)]);
  assert.equal(lines.missing(1, 2), null);
});

test("older news than what is held changes nothing", () => {
  const lines = new Lines();
  lines.grow({ lines: 5, bytes: 50 });
  assert.equal(lines.grow({ lines: 4, bytes: 40 }), false);
  assert.equal(lines.count, 5);
});

test("a million lines looked through cost no more than the room, and what is in view stays", () => {
  const lines = new Lines(200_000);
  lines.grow({ lines: 1_000_000, bytes: 101_000_000 });
  for (let from = 1; from < 1_000_000; from += 7_919) {
    lines.put(range(from, 50), from, from + 49);
    assert.ok(lines.size <= 200_000, `${lines.size}`);
    assert.equal(lines.missing(from, from + 49), null);
  }
  let counted = 0;
  for (const { lines: held } of lines.blocks.values()) for (const item of held.values()) counted += 60 + item.text.length;
  assert.equal(counted, lines.size);
});

const ROW = 22;
const plainHeight = () => ROW;

test("the bar stands where the place is, while all lines fit a page", () => {
  const place = new Place({ row: ROW });
  place.move(1_000, 500, 400, plainHeight);
  assert.equal(Math.round(place.bar(500, 400, plainHeight)), 1_000);
  assert.equal(place.height(500, 400), 11_000);
  place.drag(2_200, 500, 400, plainHeight);
  assert.deepEqual([place.line, Math.round(place.above)], [101, 0]);
});

test("five million lines stay within what browsers can scroll, and every one can be reached", () => {
  const count = 5_000_000;
  const place = new Place({ row: ROW });
  const height = place.height(count, 600);
  assert.ok(height < 5_000_000);
  place.drag(height - 600, count, 600, plainHeight);
  assert.equal(place.atEnd(count, 600, plainHeight), true);
  place.drag(height / 2, count, 600, plainHeight);
  assert.ok(Math.abs(place.line - count / 2) < count / 100);
  const before = place.line;
  place.move(22, count, 600, plainHeight);
  assert.equal(place.line, before + 1);
  place.show(3_141_592, count, 600, plainHeight);
  assert.ok(place.line <= 3_141_592 && place.line > 3_141_592 - 30);
  const bar = place.bar(count, 600, plainHeight);
  assert.ok(bar > 600 && bar < height - 1_200);
  place.move(-1e9, count, 600, plainHeight);
  assert.deepEqual([place.line, place.above, place.bar(count, 600, plainHeight)], [1, 0, 0]);
});

test("in a loose log the bar leaves room to both sides until an end is reached", () => {
  const place = new Place({ row: ROW });
  place.wrapped = true;
  const tall = () => 66;
  place.move(70, 100, 400, tall);
  assert.equal(place.line, 2);
  assert.ok(place.bar(100, 400, tall) >= 400);
  place.move(1e6, 100, 400, tall);
  assert.equal(place.bar(100, 400, tall), place.height(100, 400) - 400);
});

test("the end stands at the lower edge, whatever the heights", () => {
  const place = new Place({ row: ROW });
  const heights = (number) => (number % 3 ? 22 : 88);
  place.toEnd(90, 300, heights);
  let below = -place.above;
  for (let number = place.line; number <= 90; number += 1) below += heights(number);
  assert.equal(below, 300);
});

test("a log shorter than its window stays at its beginning", () => {
  const place = new Place({ row: ROW });
  place.move(500, 3, 400, plainHeight);
  assert.deepEqual([place.line, place.above], [1, 0]);
  place.toEnd(0, 400, plainHeight);
  assert.deepEqual([place.line, place.above], [1, 0]);
});
