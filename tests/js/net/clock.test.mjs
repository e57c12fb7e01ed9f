import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../../static/js/net/clock.js";

const NOON = Date.parse("2026-01-01T12:00:00Z");
const at = (seconds) => new Date(NOON + 1000 * seconds).toISOString();

test("the clock is right with the first message after the device's clock was set", () => {
  let local = NOON;
  const clock = new Clock(() => local);
  clock.sample(at(0));
  for (const jump of [3_600_000, -7_200_000]) {
    local += jump;
    clock.sample(at(20));
    assert.equal(clock.now(), NOON + 20_000);
  }
});

test("a message that was delayed by a second does not move the clock", () => {
  const clock = new Clock(() => NOON);
  clock.sample(at(0));
  clock.sample(at(-1));
  assert.equal(clock.now(), NOON);
});
