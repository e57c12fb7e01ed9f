import assert from "node:assert/strict";
import { test } from "node:test";

import { Ticker } from "../../../static/js/wall/ticker.js";

const said = (...numbers) => numbers.map((n) => ({ n, name: "Ann", role: "guest", text: `text ${n}` }));
const upTo = (last) => said(...Array.from({ length: last }, (_, index) => index + 1));
const numbers = ({ lines }) => lines.map(({ n }) => n);

test("a poster begins with the newest messages that fit on any screen", () => {
  const ticker = new Ticker({ most: 4 });
  assert.deepEqual(numbers(ticker.take(upTo(9), 0)), [6, 7, 8, 9]);
});

test("one new line comes every two seconds, however many are said at once", () => {
  const ticker = new Ticker({ most: 4 });
  ticker.take(upTo(2), 0);
  const first = ticker.take(upTo(5), 2_000);
  assert.deepEqual(numbers(first), [1, 2, 3]);
  assert.equal(first.due, 2_000);
  assert.deepEqual(numbers(ticker.take(upTo(5), 3_999)), [1, 2, 3]);
  assert.deepEqual(numbers(ticker.take(upTo(5), 4_000)), [1, 2, 3, 4]);
  assert.equal(ticker.take(upTo(5), 6_000).due, null);
});

test("a room that talks faster than it can be read is shown with its newest messages", () => {
  const ticker = new Ticker({ most: 3, behind: 3 });
  ticker.take(upTo(2), 0);
  let shown = [];
  for (let second = 1; second <= 60; second += 1) shown = numbers(ticker.take(upTo(2 + 5 * second), second * 1_000));
  assert.equal(shown.length, 3);
  assert.ok(2 + 5 * 60 - shown[2] <= 3, `${shown}`);
});

test("a message that was withdrawn leaves at once, and comes back no more", () => {
  const ticker = new Ticker();
  ticker.take(said(1, 2, 3), 0);
  assert.deepEqual(numbers(ticker.take(said(1, 3), 10)), [1, 3]);
  assert.deepEqual(numbers(ticker.take(said(1, 3), 9_000)), [1, 3]);
});

test("a message that waits and is withdrawn is never shown", () => {
  const ticker = new Ticker();
  ticker.take(said(1), 0);
  ticker.take(said(1, 2), 500);
  assert.deepEqual(numbers(ticker.take(said(1, 3), 2_000)), [1, 3]);
});

test("the text of an edited message changes in its place", () => {
  const ticker = new Ticker();
  ticker.take(said(1, 2), 0);
  const { lines } = ticker.take([{ ...said(1)[0], text: "edited" }, ...said(2)], 10);
  assert.deepEqual(lines.map(({ text }) => text), ["edited", "text 2"]);
});
