import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveStreams } from "../../../static/js/net/streams.js";
import { FakeTime } from "../fakes.mjs";

function live(streams = ["polls/A"]) {
  const time = new FakeTime();
  const follows = [];
  let on = null;
  const page = new LiveStreams({
    streams,
    env: time.env(),
    onChange: () => {},
    connect: (options) => {
      on = options.on;
      return {
        streams: options.streams,
        start() {},
        stop() {},
        follow(next, again = []) { this.streams = next; follows.push({ next, again }); },
      };
    },
  });
  return { page, time, follows, on };
}

const snapshot = (stream, number, values) => [
  { stream, reset: true },
  ...Object.entries(values).map(([key, data], index) => ({ stream, pos: `e.${index + 1}`, prev: `e.${index}`, key, data })),
  { stream, synced: true, pos: `e.${number}`, now: "2026-01-01T00:00:10Z" },
];

test("a snapshot makes the page live", () => {
  const { page, on } = live();
  on.status({ state: "open" });
  assert.equal(page.displayState, "catching-up");
  on.messages(snapshot("polls/A", 3, { poll: { phase: "open" } }));
  assert.equal(page.displayState, "live");
  assert.deepEqual(page.state("polls/A").values, { poll: { phase: "open" } });
});

test("a gap is requested again from the reader's position", () => {
  const { follows, on } = live();
  on.messages(snapshot("polls/A", 3, {}));
  on.messages([{ stream: "polls/A", pos: "e.9", prev: "e.7", key: "tally", data: {} }]);
  assert.deepEqual(follows, [{ next: ["polls/A"], again: ["polls/A"] }]);
});

test("a heartbeat ahead of the reader means a gap only the second time", () => {
  const { follows, on } = live();
  on.messages(snapshot("polls/A", 3, {}));
  on.messages([{ heartbeat: { "polls/A": "e.5" } }]);
  assert.equal(follows.length, 0);
  on.messages([{ heartbeat: { "polls/A": "e.5" } }]);
  assert.equal(follows.length, 1);
});

test("a short loss is not shown, a longer one is, and the state stays", async () => {
  const { page, time, on } = live();
  on.status({ state: "open" });
  on.messages(snapshot("polls/A", 3, { poll: 1 }));
  on.status({ state: "lost" });
  await time.pass(500);
  assert.equal(page.displayState, "live");
  await time.pass(2_000);
  assert.equal(page.displayState, "lost");
  assert.equal(page.age, 2_500);
  assert.deepEqual(page.state("polls/A").values, { poll: 1 });
});

test("a snapshot that the loss of the connection cut short is requested again", () => {
  const { page, on } = live();
  on.messages([{ stream: "polls/A", reset: true }, { stream: "polls/A", pos: "e.1", prev: "e.0", key: "poll", data: 1 }]);
  on.status({ state: "lost" });
  assert.equal(page.entry("polls/A").cursor.position, null);
  assert.equal(page.entry("polls/A").cursor.inSnapshot, false);
});

test("events of a stream that is no longer followed are ignored", () => {
  const { page, on } = live(["walls/K", "polls/A"]);
  page.follow(["walls/K"]);
  on.messages(snapshot("polls/A", 3, { poll: 1 }));
  assert.equal(page.entries.has("polls/A"), false);
});

test("the clock follows the server", () => {
  const { page, on } = live();
  on.messages(snapshot("polls/A", 3, {}));
  assert.equal(page.clock.now(), Date.parse("2026-01-01T00:00:10Z"));
});

test("a page that never connects says so, after the time for every transport", async () => {
  const { page, time, on } = live();
  page.start();
  on.status({ state: "lost" });
  await time.pass(5_000);
  assert.equal(page.displayState, "connecting");
  await time.pass(2_000);
  assert.equal(page.displayState, "lost");
  assert.equal(page.age, 7_000);
});

test("values that the page holds elsewhere are forgotten, and the stream goes on", () => {
  const { page, on } = live();
  on.status({ state: "open" });
  on.messages(snapshot("polls/A", 3, { poll: {}, "message/1": { n: 1 }, "message/2": { n: 2 } }));
  page.trim("polls/A", (key) => key !== "message/1");
  assert.deepEqual(Object.keys(page.state("polls/A").values), ["poll", "message/2"]);
  on.messages([{ stream: "polls/A", pos: "e.4", prev: "e.3", key: "message/1", data: { n: 1, withdrawn: "host" } }]);
  assert.deepEqual(page.state("polls/A").values["message/1"], { n: 1, withdrawn: "host" });
  assert.equal(page.displayState, "live");
});
