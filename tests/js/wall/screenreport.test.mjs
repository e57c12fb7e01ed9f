import assert from "node:assert/strict";
import { test } from "node:test";
import { ScreenReporter } from "../../../static/js/wall/screenreport.js";
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
  const reporter = new ScreenReporter({
    env: time.env({ fetch }), code: "K7M2QD", people: 3, size: () => [1920, 1080],
    frame: (act) => act(), onCount: () => { counted += 1; },
  });
  const live = { displayState: "live", connection: { transport: "sse" } };
  const run = async (seconds) => {
    for (let second = 0; second < seconds; second += 1) {
      reporter.tick(live);
      await settle();
      await time.pass(1000);
    }
  };
  return { reporter, live, sent, run, time, counted: () => counted };
}

test("a screen reports every ten seconds under the same name", async () => {
  const { sent, run } = screen();
  await run(25);
  assert.equal(sent.length, 3);
  assert.equal(new Set(sent.map((each) => each.address)).size, 1);
  assert.deepEqual([sent[1].width, sent[1].height, sent[1].transport, sent[1].age], [1920, 1080, "sse", 0]);
});

test("a picture that is painted while the connection is lost does not count as live", async () => {
  const { sent, live, run } = screen();
  await run(1);
  live.displayState = "lost";
  await run(20);
  assert.deepEqual(sent.map((each) => each.age), [0, 10_000, 20_000]);
});

test("it reports at once when it is live again, but not more often than every two seconds", async () => {
  const { sent, live, run } = screen();
  await run(3);
  live.displayState = "lost";
  await run(1);
  live.displayState = "live";
  await run(1);
  live.displayState = "lost";
  await run(1);
  live.displayState = "live";
  await run(1);
  assert.equal(sent.length, 3);
});

test("the number of people is the newer of the event and the reply", async () => {
  const { reporter, run, counted } = screen({ people: 7 });
  assert.equal(reporter.peopleCount(undefined), 3);
  const event = { people: 5 };
  assert.equal(reporter.peopleCount(event), 5);
  await run(1);
  assert.equal(counted(), 1);
  assert.equal(reporter.peopleCount(event), 7);
  assert.equal(reporter.peopleCount({ people: 8 }), 8);
});

test("without a network nothing is reported and nothing breaks", async () => {
  const { reporter, run } = screen(null);
  await run(12);
  assert.equal(reporter.peopleCount(undefined), 3);
});
