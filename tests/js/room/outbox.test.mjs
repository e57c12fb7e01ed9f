import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../../../static/js/room/outbox.js";
import { FakeTime, settle } from "../fakes.mjs";

function desk(stored = []) {
  const time = new FakeTime();
  const sent = [];
  const waiting = [];
  const kept = { entries: stored };
  let ids = 0;
  const outbox = new Outbox({
    send: (entry) => new Promise((resolve) => { sent.push([entry.id, entry.text]); waiting.push(resolve); }),
    onChange: () => {},
    env: time.env(),
    newId: () => { ids += 1; return `id${ids}`; },
    storage: { load: () => kept.entries, save: (entries) => { kept.entries = entries; } },
  });
  return { outbox, time, sent, kept, answer: async (value) => { waiting.shift()(value); await settle(); } };
}

const said = (n) => ({ ok: { n, id: "x", at: "" } });
const states = (outbox) => outbox.entries.map(({ state }) => state);

test("a message is sent at once, and taken off when the stream has it", async () => {
  const { outbox, sent, answer } = desk();
  outbox.add("hello", { reply_to: 3 });
  assert.deepEqual([sent, states(outbox), outbox.entries[0].reply_to], [[["id1", "hello"]], ["sending"], 3]);
  await answer(said(7));
  assert.deepEqual(states(outbox), ["said"]);
  outbox.settle((n) => n === 7);
  assert.deepEqual(outbox.entries, []);
});

test("messages are sent in their order, one after the other", async () => {
  const { outbox, sent, answer } = desk();
  outbox.add("one");
  outbox.add("two");
  assert.equal(sent.length, 1);
  await answer(said(1));
  assert.deepEqual(sent.map(([, text]) => text), ["one", "two"]);
});

test("without an answer the same id is sent again, by itself and at once when the connection is back", async () => {
  const { outbox, time, sent, answer } = desk();
  outbox.add("hello");
  await answer(null);
  assert.deepEqual(states(outbox), ["unreached"]);
  await time.pass(60_000);
  assert.deepEqual(sent, [["id1", "hello"], ["id1", "hello"]]);
  await answer(null);
  outbox.retryNow();
  assert.equal(sent.length, 3);
  outbox.retryNow(); // one at a time
  assert.equal(sent.length, 3);
  await answer(said(1));
  assert.deepEqual([states(outbox), new Set(sent.map(([id]) => id)).size], [["said"], 1]);
  await time.pass(60_000);
  assert.equal(sent.length, 3);
});

test("a message that the stream brings although its answer was lost is not sent again", async () => {
  const { outbox, time, sent, answer } = desk();
  outbox.add("hello");
  outbox.confirm({ n: 4, id: "id1", from: "somebody", at: "" }, "me");
  assert.deepEqual(states(outbox), ["sending"]);
  outbox.confirm({ n: 4, id: "id1", from: "me", at: "" }, "me");
  assert.deepEqual(states(outbox), ["said"]);
  await answer(null);
  await time.pass(60_000);
  assert.equal(sent.length, 1);
});

test("slow mode is waited for, and said", async () => {
  const { outbox, time, sent, answer } = desk();
  outbox.add("hello");
  await answer({ error: { code: "slow" }, retry: 20_000 });
  assert.deepEqual([states(outbox), outbox.wait], [["waiting"], 20_000]);
  await time.pass(19_000);
  assert.deepEqual([sent.length, outbox.wait], [1, 1_000]);
  await time.pass(1_000);
  assert.equal(sent.length, 2);
});

test("what is refused says so, waits for somebody to try again, and holds nothing else up", async () => {
  const { outbox, sent, answer, kept } = desk();
  outbox.add("hello");
  outbox.add("again");
  await answer({ error: { code: "muted" } });
  assert.deepEqual([states(outbox), outbox.entries[0].error.code], [["refused", "sending"], "muted"]);
  await answer(said(1));
  assert.deepEqual(kept.entries, []);
  outbox.retry("id1");
  assert.deepEqual(sent.at(-1), ["id1", "hello"]);
  await answer({ error: { code: "muted" } });
  outbox.discard("id1");
  assert.deepEqual(states(outbox), ["said"]);
});

test("what was not sent when the page was left is sent by the next one, under the same id", async () => {
  const { outbox, kept } = desk();
  outbox.add("hello", { reply_to: 2 });
  assert.deepEqual(kept.entries, [{ id: "id1", text: "hello", reply_to: 2 }]);
  const next = desk(kept.entries);
  next.outbox.restore();
  assert.deepEqual(next.sent, [["id1", "hello"]]);
  const broken = desk({ no: "list" });
  broken.outbox.restore();
  assert.deepEqual(broken.sent, []);
});

test("a limit that is waited for is one of a room or of questions, and what is asked without a name stays so", async () => {
  const time = new FakeTime();
  const sent = [];
  let kept = [];
  const outbox = new Outbox({
    send: (entry) => { sent.push([entry.id, entry.anonymous]); return Promise.resolve({ error: { code: "rate" }, retry: 90_000 }); },
    onChange: () => {},
    env: time.env(),
    storage: { load: () => [], save: (entries) => { kept = entries; } },
    limit: "rate",
  });
  outbox.add("Why?", { anonymous: true });
  await settle();
  assert.deepEqual([states(outbox), outbox.wait, kept], [["waiting"], 90_000, [{ id: sent[0][0], text: "Why?", anonymous: true }]]);
  assert.match(sent[0][0], /^[0-9a-z]{24}$/);
});
