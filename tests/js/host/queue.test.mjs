import assert from "node:assert/strict";
import { test } from "node:test";

import { Decisions } from "../../../static/js/host/decisions.js";
import { actionOf } from "../../../static/js/host/keys.js";
import { QuestionQueue } from "../../../static/js/host/queue.js";
import { QUEUE_KEYS, queueActionOf } from "../../../static/js/host/queuekeys.js";
import { FakeTime, settle } from "../fakes.mjs";

const asked = (n, state = "pending", votes = 0) => ({ n, state, votes, text: "", name: "", from: "", id: "", at: "" });
const numbers = (queue) => queue.rows.map(({ n }) => n);

function decided(queue, n, state, now, options = {}) {
  assert.ok(queue.decide(n, state, now, options));
  queue.settle(n, state, "done", now);
}

test("what waits comes first by age, and then what is shown in the order of the screen", () => {
  const queue = new QuestionQueue();
  queue.update([asked(1, "shown", 2), asked(2), asked(3, "shown", 9), asked(4), asked(5, "hidden"), asked(6, "answered"), asked(7, "pinned")], 0, false);
  assert.deepEqual(numbers(queue), [2, 4, 7, 3, 1]);
});

test("what is decided stays in its place for ten seconds, and then leaves", () => {
  const queue = new QuestionQueue();
  queue.update([asked(1), asked(2), asked(3)], 0, true);
  decided(queue, 2, "hidden", 1_000);
  const after = [asked(1), asked(2, "hidden"), asked(3)];
  queue.update(after, 1_100, true);
  assert.deepEqual(numbers(queue), [1, 2, 3]);
  queue.update(after, 10_999, true);
  assert.deepEqual(numbers(queue), [1, 2, 3]);
  queue.update(after, 11_000, true);
  assert.deepEqual(numbers(queue), [1, 3]);
});

test("nothing is moved, even when nobody points at the queue, while a decision can be taken back", () => {
  const queue = new QuestionQueue();
  queue.update([asked(1, "shown", 5), asked(2, "shown", 4)], 0, false);
  decided(queue, 1, "answered", 0);
  queue.update([asked(1, "answered", 5), asked(2, "shown", 50)], 5_000, false);
  assert.deepEqual(numbers(queue), [1, 2]);
});

test("new ones are appended and counted while the queue is held, whatever their votes", () => {
  const queue = new QuestionQueue();
  queue.update([asked(1), asked(2, "shown", 1)], 0, true);
  assert.equal(queue.newCount, 0);
  queue.update([asked(1), asked(2, "shown", 1), asked(3, "pending", 99), asked(4, "shown", 50)], 10, true);
  assert.deepEqual(numbers(queue), [1, 2, 3, 4]);
  assert.equal(queue.newCount, 2);
  assert.equal(queue.firstNew.n, 3);
  queue.update([asked(1), asked(2, "shown", 1), asked(3, "pending", 99), asked(4, "shown", 50)], 20, false);
  assert.deepEqual(numbers(queue), [1, 3, 4, 2]);
  assert.equal(queue.newCount, 0);
});

test("a question that is shown leaves those that wait, and comes to the end of those that are shown", () => {
  const queue = new QuestionQueue();
  queue.update([asked(1), asked(2)], 0, true);
  decided(queue, 1, "shown", 0);
  const after = [asked(1, "shown"), asked(2)];
  queue.update(after, 9_999, true);
  assert.deepEqual(numbers(queue), [1, 2]);
  queue.update(after, 10_000, true);
  assert.deepEqual(numbers(queue), [2, 1]);
  assert.equal(queue.newCount, 0);
});

test("the one that is being answered stays where it is", () => {
  const queue = new QuestionQueue();
  queue.update([asked(1, "shown"), asked(2, "shown")], 0, true);
  decided(queue, 1, "pinned", 0);
  queue.update([asked(1, "pinned"), asked(2, "shown")], 20_000, true);
  assert.deepEqual(numbers(queue), [1, 2]);
  assert.equal(queue.rows[0].decision, null);
});

test("a decision is taken back within ten seconds: that of the row, or the last one", () => {
  const queue = new QuestionQueue();
  queue.update([asked(1), asked(2), asked(3)], 0, true);
  decided(queue, 1, "hidden", 100);
  decided(queue, 2, "shown", 200);
  assert.equal(queue.undoable(3).n, 2);
  assert.equal(queue.undoable(1).n, 1);
  queue.update([asked(1, "hidden"), asked(2, "shown"), asked(3)], 300, true);
  decided(queue, 1, "pending", 400, { undo: true });
  queue.update([asked(1, "hidden"), asked(2, "shown"), asked(3)], 450, true); // its event is on its way
  queue.update([asked(1), asked(2, "shown"), asked(3)], 500, true);
  assert.equal(queue.row(1).decision, null);
  assert.deepEqual(numbers(queue), [1, 2, 3]);
  queue.update([asked(1), asked(2, "shown"), asked(3)], 10_200, true);
  assert.equal(queue.undoable(3), null);
});

test("what another host decides stays for ten seconds as well", () => {
  const queue = new QuestionQueue();
  queue.update([asked(1), asked(2)], 0, true);
  queue.update([asked(1, "hidden"), asked(2)], 100, true);
  assert.deepEqual(numbers(queue), [1, 2]);
  assert.equal(queue.row(1).decision.before, "pending");
  queue.update([asked(1, "hidden"), asked(2)], 10_100, true);
  assert.deepEqual(numbers(queue), [2]);
});

test("a decision that was not sent does not leave, and one that was refused is none", () => {
  const queue = new QuestionQueue();
  queue.update([asked(1), asked(2)], 0, true);
  queue.decide(1, "hidden", 0);
  queue.settle(1, "hidden", "unsent", 10);
  queue.update([asked(1), asked(2)], 60_000, true);
  assert.equal(queue.row(1).decision.status, "unsent");
  queue.settle(1, "hidden", "refused", 60_001);
  assert.equal(queue.row(1).decision, null);
});

test("the keys of the queue are none of the remote's, and do not repeat", () => {
  for (const { names } of QUEUE_KEYS) for (const key of names) assert.equal(actionOf({ key }), null, key);
  assert.equal(queueActionOf({ key: "S" }), "shown");
  assert.equal(queueActionOf({ key: "h", repeat: true }), null);
  assert.equal(queueActionOf({ key: "j", repeat: true }), "down");
  assert.equal(queueActionOf({ key: "s", ctrlKey: true }), null);
  assert.equal(queueActionOf({ key: " " }), null);
});

function decisions(answers, state = "pending") {
  const time = new FakeTime();
  const calls = [];
  const outcomes = [];
  const held = { state };
  const sent = new Decisions({
    code: "K7M2QD",
    call: async (call) => {
      calls.push(call.body.state);
      return answers.shift();
    },
    stateOf: () => held.state,
    onOutcome: (n, wanted, outcome) => outcomes.push([n, wanted, outcome]),
    env: time.env(),
  });
  return { sent, time, calls, outcomes, held };
}

const UNREACHED = { error: { code: "unreached" } };

test("a decision that nobody answered is sent again until somebody does", async () => {
  const { sent, time, calls, outcomes } = decisions([UNREACHED, { error: { code: "draining" } }, { ok: {} }]);
  await sent.send(4, "shown", "pending");
  assert.deepEqual(outcomes, [[4, "shown", "unsent"]]);
  await time.pass(7_000);
  assert.deepEqual(calls, ["shown", "shown", "shown"]);
  assert.deepEqual(outcomes[outcomes.length - 1], [4, "shown", "done"]);
});

test("a decision that is overtaken by another is not sent again", async () => {
  const { sent, time, calls, outcomes } = decisions([UNREACHED, { ok: {} }]);
  await sent.send(4, "shown", "pending");
  await sent.send(4, "hidden", "pending");
  await time.pass(60_000);
  assert.deepEqual(calls, ["shown", "hidden"]);
  assert.deepEqual(outcomes[1], [4, "hidden", "done"]);
});

test("a decision is not sent again once another host has decided", async () => {
  const { sent, time, calls, outcomes, held } = decisions([UNREACHED]);
  await sent.send(4, "shown", "pending");
  held.state = "answered";
  await time.pass(60_000);
  assert.deepEqual(calls, ["shown"]);
  assert.deepEqual(outcomes[1], [4, "shown", "refused"]);
});

test("when the connection is back, decisions are sent at once", async () => {
  const { sent, calls } = decisions([UNREACHED, { ok: {} }]);
  await sent.send(4, "shown", "pending");
  sent.retryNow();
  await settle();
  assert.deepEqual(calls, ["shown", "shown"]);
});
