import assert from "node:assert/strict";
import { test } from "node:test";
import { START, afterEnding, backoff, climbFailed, planClimb } from "../../../static/js/net/ladder.js";

const half = () => 0.5;
const dead = { delivered: false, lasted: 20, silent: false, retry: null };
const short = { delivered: true, lasted: 5_000, silent: false, retry: null };
const good = { delivered: true, lasted: 60_000, silent: false, retry: null };

/** Returns the levels to which a sequence of endings leads. */
function levels(endings, state = START) {
  const seen = [];
  for (const ending of endings) {
    state = afterEnding(state, ending, half).state;
    seen.push(state.level);
  }
  return seen;
}

test("a transport that never worked is left at once, down to plain polling", () => {
  assert.deepEqual(levels([dead, dead, dead]), [1, 2, 3]);
  assert.equal(afterEnding(START, dead, half).wait, 0);
});

test("below the last level the ladder starts again at the top, after a wait", () => {
  let state = START;
  for (let step = 0; step < 3; step += 1) state = afterEnding(state, dead, half).state;
  const next = afterEnding(state, dead, half);
  assert.equal(next.state.level, 0);
  assert.ok(next.wait > 1_000);
});

test("a connection that is cut again and again after a few seconds is left", () => {
  assert.deepEqual(levels([short, short]), [0, 1]);
});

test("a good connection that ends is tried again, not left", () => {
  assert.deepEqual(levels([good, dead, dead]), [0, 0, 0]);
});

test("an unreachable server is tried with longer and longer waits", () => {
  let state = afterEnding(START, good, half).state;
  const waits = [];
  for (let miss = 0; miss < 12; miss += 1) {
    const next = afterEnding(state, dead, half);
    waits.push(next.wait);
    state = next.state;
  }
  assert.ok(waits.every((wait, index) => index === 0 || wait >= waits[index - 1]), String(waits));
  assert.ok(waits[0] > 0 && waits[11] <= 15_000);
});

test("after an outage the ladder starts at the best level that worked", () => {
  const seen = levels([good, dead, dead, dead, dead, dead, dead]);
  assert.equal(seen.at(-1), 0);
});

test("silence counts against a transport however long it lasted", () => {
  assert.deepEqual(levels([{ ...dead, silent: true, lasted: 60_000 }]), [1]);
});

test("the wait that a server asks for is obeyed and does not count as a failure", () => {
  const next = afterEnding({ ...START, misses: 1 }, { ...short, retry: 3_500 }, half);
  assert.deepEqual([next.wait, next.state.level, next.state.misses], [3_500, 0, 0]);
});

test("waits are random between half and all of their length", () => {
  assert.equal(backoff(0, () => 0), 250);
  assert.equal(backoff(0, () => 1), 500);
  assert.equal(backoff(40, () => 1), 15_000);
});

test("there is no climb at the top", () => {
  assert.equal(planClimb(START, half), null);
});

test("a climb tries the top, then the next step, and waits longer after each failure", () => {
  const first = planClimb({ ...START, level: 3 }, half);
  const state = climbFailed({ ...START, level: 3 });
  const second = planClimb(state, half);
  assert.deepEqual([first.target, second.target], [0, 2]);
  assert.ok(second.wait > first.wait);
});

test("a level that worked before is tried soon", () => {
  assert.ok(planClimb({ ...START, level: 2, best: 0 }, half).wait <= 5_000);
});
