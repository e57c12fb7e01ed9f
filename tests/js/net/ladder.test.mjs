import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { START, afterEnding, backoff, climbFailed, climbSucceeded, planClimb } from "../../../static/js/net/ladder.js";

// tests/core/test_ladder.py holds the Python client to the same results.
const { waits, sequences } = JSON.parse(readFileSync(new URL("../../vectors/ladder.json", import.meta.url), "utf8"));

for (const { name, start, steps } of sequences) {
  test(name, () => {
    let state = start;
    for (const step of steps) {
      const random = () => step.random;
      if (step.ending) {
        const next = afterEnding(state, step.ending, random);
        assert.deepEqual(next, { state: step.state, wait: step.wait });
        state = next.state;
      } else if (step.climb) {
        state = step.climb === "failed" ? climbFailed(state) : climbSucceeded(state, step.target);
        assert.deepEqual(state, step.state);
      } else {
        assert.deepEqual(planClimb(state, random), step.plan);
      }
    }
  });
}

test("waits are random between half and all of their length", () => {
  for (const { attempts, random, wait } of waits) assert.equal(backoff(attempts, () => random), wait);
});

test("the ladder starts at the best transport, and without a wait that is null", () => {
  assert.deepEqual(START, sequences[0].start);
  const ending = { delivered: false, lasted: 20, silent: false, sentAway: false, retry: null };
  assert.deepEqual(afterEnding(START, ending, () => 0.5), afterEnding(START, { delivered: false, lasted: 20 }, () => 0.5));
});
