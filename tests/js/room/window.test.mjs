import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST, MessageWindow } from "../../../static/js/room/window.js";

function at(count) {
  const window = new MessageWindow();
  window.grow(count);
  window.showEnd();
  return window;
}
const size = ({ first, last }) => last - first + 1;

test("it begins at the newest message and follows", () => {
  const window = at(10_000);
  assert.deepEqual([window.last, window.isAtEnd, window.follows], [10_000, true, true]);
  for (let count = 10_001; count < 10_500; count += 1) {
    window.grow(count);
    assert.ok(size(window) <= MOST && window.last === count && size(window) >= 50);
  }
});

test("it never holds more than so many, and reaches every message both ways", () => {
  const window = at(10_000);
  window.follows = false;
  const seen = new Set();
  const see = () => { for (let n = window.first; n <= window.last; n += 1) seen.add(n); assert.ok(size(window) <= MOST); };
  do see(); while (window.showOlder());
  assert.equal(window.first, 1);
  assert.equal(seen.size, 10_000);
  do see(); while (window.showNewer());
  assert.deepEqual([window.last, window.isAtEnd], [10_000, true]);
});

test("a reader of older messages stays there while others speak", () => {
  const window = at(1_000);
  window.follows = false;
  for (let turn = 0; turn < 5; turn += 1) window.showOlder();
  const { first, last } = window;
  window.grow(1_050);
  assert.deepEqual([window.first, window.last, window.isAtEnd], [first, last, false]);
});

test("a message anywhere can be shown, and one in view moves nothing", () => {
  const window = at(1_000);
  window.showAround(990);
  assert.deepEqual([window.first, window.last], [951, 1_000]);
  window.showAround(3);
  assert.ok(window.first === 1 && window.last >= 3);
  window.showAround(500);
  assert.ok(window.first < 500 && window.last > 500 && !window.isAtEnd);
});

test("a room without messages, and one that begins anew, are no trouble", () => {
  const window = at(0);
  assert.equal(size(window), 0);
  window.grow(1);
  assert.deepEqual([window.first, window.last], [1, 1]);
  const other = at(500);
  other.count = 0;
  other.grow(3);
  other.showEnd();
  assert.deepEqual([other.first, other.last], [1, 3]);
});
