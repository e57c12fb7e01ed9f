import assert from "node:assert/strict";
import { test } from "node:test";
import { Viewport } from "../../../static/js/log/viewport.js";

const ROW = 22;
const plainHeight = () => ROW;

test("the scroll bar matches the viewport where all lines fit into an element", () => {
  const viewport = new Viewport({ row: ROW });
  viewport.move(1_000, 500, 400, plainHeight);
  assert.equal(Math.round(viewport.scrollTop(500, 400, plainHeight)), 1_000);
  assert.equal(viewport.scrollHeight(500, 400), 11_000);
  viewport.scrollTo(2_200, 500, 400, plainHeight);
  assert.deepEqual([viewport.line, Math.round(viewport.above)], [101, 0]);
});

test("five million lines stay within the height that browsers allow, and every line can be reached", () => {
  const count = 5_000_000;
  const viewport = new Viewport({ row: ROW });
  const height = viewport.scrollHeight(count, 600);
  assert.ok(height < 5_000_000);
  viewport.scrollTo(height - 600, count, 600, plainHeight);
  assert.equal(viewport.isAtEnd(count, 600, plainHeight), true);
  viewport.scrollTo(height / 2, count, 600, plainHeight);
  assert.ok(Math.abs(viewport.line - count / 2) < count / 100);
  const before = viewport.line;
  viewport.move(22, count, 600, plainHeight);
  assert.equal(viewport.line, before + 1);
  viewport.showLine(3_141_592, count, 600, plainHeight);
  assert.ok(viewport.line <= 3_141_592 && viewport.line > 3_141_592 - 30);
  const bar = viewport.scrollTop(count, 600, plainHeight);
  assert.ok(bar > 600 && bar < height - 1_200);
  viewport.move(-1e9, count, 600, plainHeight);
  assert.deepEqual([viewport.line, viewport.above, viewport.scrollTop(count, 600, plainHeight)], [1, 0, 0]);
});

test("a loose scroll bar leaves room at both sides until an end is reached", () => {
  const viewport = new Viewport({ row: ROW });
  viewport.wrapped = true;
  const tall = () => 66;
  viewport.move(70, 100, 400, tall);
  assert.equal(viewport.line, 2);
  assert.ok(viewport.scrollTop(100, 400, tall) >= 400);
  viewport.move(1e6, 100, 400, tall);
  assert.equal(viewport.scrollTop(100, 400, tall), viewport.scrollHeight(100, 400) - 400);
});

test("at the end the last line stands at the lower edge, whatever the heights", () => {
  const viewport = new Viewport({ row: ROW });
  const heights = (number) => (number % 3 ? 22 : 88);
  viewport.moveToEnd(90, 300, heights);
  let below = -viewport.above;
  for (let number = viewport.line; number <= 90; number += 1) below += heights(number);
  assert.equal(below, 300);
});

test("a log shorter than its window stays at its beginning", () => {
  const viewport = new Viewport({ row: ROW });
  viewport.move(500, 3, 400, plainHeight);
  assert.deepEqual([viewport.line, viewport.above], [1, 0]);
  viewport.moveToEnd(0, 400, plainHeight);
  assert.deepEqual([viewport.line, viewport.above], [1, 0]);
});
