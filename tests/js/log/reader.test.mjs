import assert from "node:assert/strict";
import { test } from "node:test";
import { LogReader } from "../../../static/js/log/reader.js";
import { FakeTime, settle } from "../fakes.mjs";

/** A server with a log of numbered lines, which answers when it is told to. */
function reader({ count = 10_000, begin = null, most = 20, answer = null } = {}) {
  const time = new FakeTime();
  const asked = [];
  const came = [];
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
  const made = new LogReader({
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
    view: () => ({ line: log.line, most }),
    on: { came: (first) => came.push(first), refused: (code) => refused.push(code) },
  });
  return { made, time, asked, came, refused, log };
}

test("the end is asked for first, and then what is in view and around it", async () => {
  const { made, asked, came, log } = reader();
  made.want();
  await settle();
  assert.match(asked[0], /from=-24&count=24$/);
  assert.equal(made.lines.count, 10_000);
  assert.deepEqual(came.slice(0, 1), [true]);
  log.line = 5_000;
  made.want();
  await settle();
  await settle();
  assert.equal(made.lines.missing(4_990, 5_020), null);
});

test("a line in the middle is begun with, whatever is before it", async () => {
  const { made, asked, log } = reader({ begin: 7_777 });
  log.line = 7_770;
  made.want();
  await settle();
  assert.match(asked[0], /from=7752&count=50$/);
  assert.ok(made.lines.has(7_777));
});

test("one question at a time: what is wanted meanwhile is asked once, afterwards", async () => {
  const { made, asked } = reader();
  made.want();
  made.wantEnd();
  made.wantEnd();
  assert.equal(asked.length, 1);
  await settle();
  await settle();
  assert.equal(asked.filter((address) => address.includes("from=-")).length, 2);
});

test("a question without an answer is asked again, a refusal is not", async () => {
  const lost = reader({ answer: (address, turn) => (turn === 1 ? { fails: true } : null) });
  lost.made.want();
  await settle();
  assert.equal(lost.came.length, 0);
  await lost.time.pass(2_500);
  assert.equal(lost.made.known, true);
  const busy = reader({ answer: (address, turn) => (turn === 1 ? { error: { code: "unavailable", message: "" } } : null) });
  busy.made.want();
  await busy.time.pass(2_500);
  assert.equal(busy.made.known, true);
  const denied = reader({ answer: () => ({ error: { code: "forbidden", message: "" } }) });
  denied.made.want();
  await denied.time.pass(60_000);
  assert.deepEqual([denied.refused, denied.asked.length], [["forbidden"], 1]);
});

test("lines that were promised and are not there yet are waited for, without a storm", async () => {
  const { made, time, asked, log } = reader({ count: 30 });
  made.want();
  await settle();
  made.lines.grow({ lines: 40, bytes: 400 });
  log.line = 20;
  made.want();
  await time.pass(1_000);
  const before = asked.length;
  await time.pass(5_000);
  assert.ok(asked.length - before <= 3);
  log.count = 40;
  await time.pass(3_000);
  assert.equal(made.lines.missing(20, 40), null);
});

test("lines that may still be drawn over are asked for again when the log goes on", async () => {
  const { made, log } = reader({ count: 60, answer: null });
  made.want();
  await settle();
  await settle();
  assert.equal(made.lines.redraws, false);
  const items = [{ n: 50, offset: 500, text: "a", over: true, at: null, cut: false }];
  made.take({ items, lines: 60, bytes: 600, redraws: true });
  assert.equal(made.lines.over(50), true);
  log.line = 45;
  made.lines.grow({ lines: 61, bytes: 610 });
  assert.equal(made.lines.missing(45, 61).from, 45);
});

test("after stop nothing is asked and nothing comes", async () => {
  const { made, time, asked, came } = reader({ answer: () => ({ fails: true }) });
  made.want();
  made.stop();
  await time.pass(10_000);
  assert.deepEqual([asked.length, came.length], [1, 0]);
});
