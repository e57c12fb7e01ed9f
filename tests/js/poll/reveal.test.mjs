import assert from "node:assert/strict";
import { test } from "node:test";
import { revealDelay, withoutTally } from "../../../static/js/poll/reveal.js";

const NOON = Date.parse("2026-01-01T12:00:00Z");
const at = (seconds) => new Date(NOON + 1000 * seconds).toISOString();

const poll = { id: "A", round: 1, phase: "closed", reveal_at: at(1) };
const tally = { round: 1, counts: { 1: 3 }, ballots: 3 };
const hidden = { kind: "poll", stream: "polls/A", poll: { ...poll, phase: "open", reveal_at: undefined }, tally: null };
const shown = { kind: "poll", stream: "polls/A", poll, tally };

test("a result is held back until its moment", () => {
  assert.deepEqual([0, 600, 999, 1000, 5000].map((ms) => revealDelay(shown, hidden, NOON + ms)), [1000, 400, 1, 0, 0]);
});

test("only the tally is held back", () => {
  const scene = withoutTally(shown);
  assert.deepEqual([scene.poll.phase, scene.tally, scene.turnout, scene.revealing], ["closed", null, { round: 1, ballots: 3 }, true]);
  assert.equal(revealDelay(shown, scene, NOON + 400), 600); // and goes on being held
});

test("a page that already shows the tally goes on showing it", () => {
  assert.equal(revealDelay(shown, { ...hidden, tally }, NOON), 0);
});

test("a page that shows something else, or has just come, does not wait", () => {
  for (const before of [{ kind: "waiting" }, { kind: "lobby" }, { ...hidden, stream: "polls/B" }, { ...hidden, poll: { ...poll, round: 2 } }]) {
    assert.equal(revealDelay(shown, before, NOON), 0);
  }
});

test("a moment far away is ignored", () => {
  assert.equal(revealDelay(shown, hidden, NOON - 60_000), 0);
});

test("a poll that was never hidden is shown at once", () => {
  assert.equal(revealDelay({ ...shown, poll: { ...poll, reveal_at: undefined } }, hidden, NOON), 0);
  assert.equal(revealDelay({ kind: "lobby" }, hidden, NOON), 0);
});
