import assert from "node:assert/strict";
import { test } from "node:test";
import { Throttle } from "../../../static/js/ui/throttle.js";
import { FakeTime } from "../fakes.mjs";

function throttled() {
  const time = new FakeTime();
  const drawn = [];
  return { time, drawn, throttle: new Throttle(time.env(), 10_000, () => drawn.push(time.time)) };
}

test("the first drawing is made at once, and the next ones at most once in the gap", async () => {
  const { time, drawn, throttle } = throttled();
  throttle.request();
  await time.pass(3_000);
  throttle.request();
  await time.pass(3_000);
  throttle.request();
  await time.pass(14_000);
  assert.deepEqual(drawn, [0, 10_000]);
  throttle.request();
  assert.deepEqual(drawn, [0, 10_000, 20_000]);
});

test("something else is drawn at once, and what was due is not drawn again", async () => {
  const { time, drawn, throttle } = throttled();
  throttle.request();
  await time.pass(3_000);
  throttle.request();
  throttle.request({ isNew: true });
  await time.pass(20_000);
  assert.deepEqual(drawn, [0, 3_000]);
});

test("after a stop nothing is drawn any more", async () => {
  const { time, drawn, throttle } = throttled();
  throttle.request();
  throttle.request();
  throttle.stop();
  await time.pass(20_000);
  assert.deepEqual(drawn, [0]);
});
