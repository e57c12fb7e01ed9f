import assert from "node:assert/strict";
import { test } from "node:test";
import { Vitals } from "../../../static/js/wall/screenreport.js";
import { FakeTime, settle } from "../fakes.mjs";

function screen(answer = { people: 7 }) {
  const time = new FakeTime();
  const sent = [];
  let counted = 0;
  const fetch = async (address, given) => {
    if (!answer) throw new TypeError("no network");
    sent.push({ address, ...JSON.parse(given.body) });
    return { ok: true, json: async () => answer };
  };
  const vitals = new Vitals({
    env: time.env({ fetch }), code: "K7M2QD", people: 3, size: () => [1920, 1080],
    frame: (act) => act(), counted: () => { counted += 1; },
  });
  const live = { corner: "live", connection: { transport: "sse" } };
  const run = async (seconds) => {
    for (let second = 0; second < seconds; second += 1) {
      vitals.tick(live);
      await settle();
      await time.pass(1000);
    }
  };
  return { vitals, live, sent, run, time, counted: () => counted };
}

test("a screen reports itself every ten seconds, under the same name", async () => {
  const { sent, run } = screen();
  await run(25);
  assert.equal(sent.length, 3);
  assert.equal(new Set(sent.map((each) => each.address)).size, 1);
  assert.deepEqual([sent[1].width, sent[1].height, sent[1].transport, sent[1].age], [1920, 1080, "sse", 0]);
});

test("what is painted while nothing is heard does not count as live", async () => {
  const { sent, live, run } = screen();
  await run(1);
  live.corner = "lost";
  await run(20);
  assert.deepEqual(sent.map((each) => each.age), [0, 10_000, 20_000]);
});

test("it reports at once when it is live again, but not more often than every two seconds", async () => {
  const { sent, live, run } = screen();
  await run(3);
  live.corner = "lost";
  await run(1);
  live.corner = "live";
  await run(1);
  live.corner = "lost";
  await run(1);
  live.corner = "live";
  await run(1);
  assert.equal(sent.length, 3);
});

test("how many are here is what the stream or the answer said last", async () => {
  const { vitals, run, counted } = screen({ people: 7 });
  assert.equal(vitals.here(undefined), 3);
  const event = { people: 5 };
  assert.equal(vitals.here(event), 5);
  await run(1);
  assert.equal(counted(), 1);
  assert.equal(vitals.here(event), 7);
  assert.equal(vitals.here({ people: 8 }), 8);
});

test("without a network nothing is told and nothing breaks", async () => {
  const { vitals, run } = screen(null);
  await run(12);
  assert.equal(vitals.here(undefined), 3);
});

test("a host reads whether a screen is live, old, or silent", async () => {
  const { conditionOf } = await import("../../../static/js/host/health.js");
  const now = Date.parse("2026-11-21T12:00:30Z");
  const at = (second, age) => conditionOf({ seen: `2026-11-21T12:00:${second}Z`, age }, now).state;
  assert.deepEqual([at("25", 40), at("25", 60_000), at("04", 40), at("40", 40)], ["live", "old", "silent", "live"]);
});
