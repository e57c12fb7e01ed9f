import assert from "node:assert/strict";
import { test } from "node:test";
import { LineCache } from "../../../static/js/log/linecache.js";

const line = (n, length = 100) => ({ n, offset: n * 101, text: "x".repeat(length), at: null, cut: false });
const range = (from, count, length) => Array.from({ length: count }, (_, index) => line(from + index, length));

test("only missing lines are requested", () => {
  const lines = new LineCache();
  lines.update({ lines: 1_000, bytes: 101_000 });
  assert.deepEqual(lines.missingRange(1, 40), { from: 1, count: 40 });
  lines.add(range(1, 20));
  assert.deepEqual(lines.missingRange(1, 40), { from: 21, count: 20 });
  lines.add(range(21, 20));
  assert.equal(lines.missingRange(1, 40), null);
  assert.equal(lines.missingRange(990, 2_000).from, 990);
  assert.equal(lines.missingRange(1_001, 1_010), null);
});

test("fewer lines are requested at once where they are long", () => {
  const lines = new LineCache();
  lines.update({ lines: 100, bytes: 100 * 5_000_000 });
  assert.ok(lines.missingRange(1, 100).count <= 10);
});

test("the last line stays until its newer state arrives", () => {
  const lines = new LineCache();
  lines.update({ lines: 2, bytes: 10 });
  lines.add(range(1, 2));
  assert.equal(lines.update({ lines: 2, bytes: 12 }), true);
  assert.ok(lines.get(2));
  assert.deepEqual(lines.missingRange(1, 2), { from: 2, count: 1 });
  lines.add([line(2, 110)]);
  assert.equal(lines.missingRange(1, 2), null);
});

test("an older length than the known one changes nothing", () => {
  const lines = new LineCache();
  lines.update({ lines: 5, bytes: 50 });
  assert.equal(lines.update({ lines: 4, bytes: 40 }), false);
  assert.equal(lines.count, 5);
});

test("scrolling through a million lines stays within the capacity, and keeps the lines in view", () => {
  const lines = new LineCache(200_000);
  lines.update({ lines: 1_000_000, bytes: 101_000_000 });
  for (let from = 1; from < 1_000_000; from += 7_919) {
    lines.add(range(from, 50), from, from + 49);
    assert.ok(lines.size <= 200_000, `${lines.size}`);
    assert.equal(lines.missingRange(from, from + 49), null);
  }
  let counted = 0;
  for (const { lines: held } of lines.blocks.values()) for (const item of held.values()) counted += 60 + item.text.length;
  assert.equal(counted, lines.size);
});
