import assert from "node:assert/strict";
import { test } from "node:test";
import { Votes } from "../../../static/js/question/votes.js";
import { FakeTime, settle } from "../fakes.mjs";

function booth() {
  const time = new FakeTime();
  const sent = [];
  const waiting = [];
  const refused = [];
  const votes = new Votes({
    send: (n, up) => new Promise((resolve) => { sent.push([n, up]); waiting.push(resolve); }),
    onChange: () => {},
    onRefused: (error) => refused.push(error.code),
    env: time.env(),
  });
  const seen = (n, figure) => [votes.isOn(n), votes.shown({ n, votes: figure })];
  return { votes, time, sent, refused, seen, answer: async (value) => { waiting.shift()(value); await settle(); } };
}

test("a press is shown at once, and counted once when the figures have it", async () => {
  const { votes, sent, seen, answer } = booth();
  votes.toggle({ n: 7, votes: 3 });
  assert.deepEqual([sent, seen(7, 3)], [[[7, true]], [true, 4]]);
  await answer({ ok: {} });
  assert.deepEqual([seen(7, 3), seen(7, 4), seen(7, 4)], [[true, 4], [true, 4], [true, 4]]);
  votes.toggle({ n: 7, votes: 4 });
  assert.deepEqual([sent[1], seen(7, 4)], [[7, false], [false, 3]]);
  await answer({ ok: {} });
  assert.deepEqual(seen(7, 3), [false, 3]);
});

test("the votes of others are shown as they come", async () => {
  const { votes, seen, answer } = booth();
  votes.toggle({ n: 1, votes: 0 });
  assert.deepEqual(seen(1, 9), [true, 9]);
  await answer({ ok: {} });
  assert.deepEqual(seen(1, 10), [true, 10]);
});

test("what nobody answers is sent again, by itself and when the connection is back, and never refused", async () => {
  const { votes, time, sent, refused, answer, seen } = booth();
  votes.toggle({ n: 1, votes: 0 });
  await answer(null);
  votes.retryNow();
  votes.retryNow(); // one at a time
  assert.equal(sent.length, 2);
  await answer({ error: { code: "rate" }, retry: 2_000 });
  await time.pass(2_000);
  assert.equal(sent.length, 3);
  await answer({ ok: {} });
  await time.pass(20_000);
  assert.deepEqual([sent.length, refused, seen(1, 1)], [3, [], [true, 1]]);
});

test("a refused vote is taken back, and the reader is told", async () => {
  const { votes, refused, seen, answer } = booth();
  votes.toggle({ n: 1, votes: 2 });
  await answer({ error: { code: "closed" } });
  assert.deepEqual([refused, seen(1, 2)], [["closed"], [false, 2]]);
});

test("two presses while the first is on its way end as the reader wants", async () => {
  const { votes, sent, seen, answer } = booth();
  votes.toggle({ n: 1, votes: 2 });
  votes.toggle({ n: 1, votes: 2 });
  assert.deepEqual([sent.length, seen(1, 2)], [1, [false, 2]]);
  await answer({ ok: {} });
  assert.deepEqual(sent, [[1, true], [1, false]]);
  await answer({ ok: {} });
  assert.deepEqual(seen(1, 2), [false, 2]);
});

test("a vote that another one cancels out is not counted twice for ever", async () => {
  const { votes, time, seen, answer } = booth();
  votes.take([5]);
  assert.equal(votes.isOn(5), true);
  votes.toggle({ n: 1, votes: 2 });
  await answer({ ok: {} });
  await time.pass(2_000);
  assert.deepEqual(seen(1, 2), [true, 2]);
});
