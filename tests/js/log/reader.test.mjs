import assert from "node:assert/strict";
import { test } from "node:test";
import { LogReader } from "../../../static/js/log/reader.js";
import { FakeTime, settle } from "../fakes.mjs";

/** A server with a log of numbered lines, which answers when it is told to. */
function start({ count = 10_000, begin = null, rows = 20, answer = null } = {}) {
  const time = new FakeTime();
  const asked = [];
  const arrived = [];
  const refused = [];
  const log = { count, line: 1 };
  const reply = (address) => {
    const query = new URL(address, "http://x").searchParams;
    const from = Number(query.get("from"));
    const first = from > 0 ? from : Math.max(1, log.count + from + 1);
    const items = [];
    for (let n = first; n < first + Number(query.get("count")) && n <= log.count; n += 1) items.push({ n, offset: n * 10, text: `line ${n}`, at: null, cut: false });
    return { json: { items, lines: log.count, bytes: log.count * 10, next: null } };
  };
  const reader = new LogReader({
    task: "9", step: "build", begin,
    env: time.env({
      AbortController,
      fetch: async (address) => {
        asked.push(address);
        const given = (answer && answer(address, asked.length)) || reply(address);
        if (given.fails) throw new TypeError("no network");
        return { ok: !given.error, json: async () => given.json || { error: given.error } };
      },
    }),
    view: () => ({ line: log.line, rows }),
    on: { lines: (isFirst) => arrived.push(isFirst), refused: (code) => refused.push(code) },
  });
  return { reader, time, asked, arrived, refused, log };
}

test("the end is requested first, then the lines in view and around them", async () => {
  const { reader, asked, arrived, log } = start();
  reader.request();
  await settle();
  assert.match(asked[0], /from=-24&count=24$/);
  assert.equal(reader.lines.count, 10_000);
  assert.deepEqual(arrived.slice(0, 1), [true]);
  log.line = 5_000;
  reader.request();
  await settle();
  await settle();
  assert.equal(reader.lines.missingRange(4_990, 5_020), null);
});

test("a log can begin at a line in the middle", async () => {
  const { reader, asked, log } = start({ begin: 7_777 });
  log.line = 7_770;
  reader.request();
  await settle();
  assert.match(asked[0], /from=7752&count=50$/);
  assert.ok(reader.lines.isCurrent(7_777));
});

test("there is one request at a time, and one more for all that was requested meanwhile", async () => {
  const { reader, asked } = start();
  reader.request();
  reader.requestEnd();
  reader.requestEnd();
  assert.equal(asked.length, 1);
  await settle();
  await settle();
  assert.equal(asked.filter((address) => address.includes("from=-")).length, 2);
});

test("a request without an answer is repeated, a refused one is not", async () => {
  const lost = start({ answer: (address, turn) => (turn === 1 ? { fails: true } : null) });
  lost.reader.request();
  await settle();
  assert.equal(lost.arrived.length, 0);
  await lost.time.pass(2_500);
  assert.equal(lost.reader.started, true);
  const busy = start({ answer: (address, turn) => (turn === 1 ? { error: { code: "unavailable", message: "" } } : null) });
  busy.reader.request();
  await busy.time.pass(2_500);
  assert.equal(busy.reader.started, true);
  const denied = start({ answer: () => ({ error: { code: "forbidden", message: "" } }) });
  denied.reader.request();
  await denied.time.pass(60_000);
  assert.deepEqual([denied.refused, denied.asked.length], [["forbidden"], 1]);
});

test("lines that were announced and are missing are requested again at a slow rate", async () => {
  const { reader, time, asked, log } = start({ count: 30 });
  reader.request();
  await settle();
  reader.lines.update({ lines: 40, bytes: 400 });
  log.line = 20;
  reader.request();
  await time.pass(1_000);
  const before = asked.length;
  await time.pass(5_000);
  assert.ok(asked.length - before <= 3);
  log.count = 40;
  await time.pass(3_000);
  assert.equal(reader.lines.missingRange(20, 40), null);
});

test("lines that may still be overdrawn are requested again when the log grows", async () => {
  const { reader, log } = start({ count: 60, answer: null });
  reader.request();
  await settle();
  await settle();
  assert.equal(reader.lines.redraws, false);
  const items = [{ n: 50, offset: 500, text: "a", over: true, at: null, cut: false }];
  reader.take({ items, lines: 60, bytes: 600, redraws: true });
  assert.equal(reader.lines.isOverdrawn(50), true);
  log.line = 45;
  reader.lines.update({ lines: 61, bytes: 610 });
  assert.equal(reader.lines.missingRange(45, 61).from, 45);
});

test("after stop there are no requests and no events", async () => {
  const { reader, time, asked, arrived } = start({ answer: () => ({ fails: true }) });
  reader.request();
  reader.stop();
  await time.pass(10_000);
  assert.deepEqual([asked.length, arrived.length], [1, 0]);
});
