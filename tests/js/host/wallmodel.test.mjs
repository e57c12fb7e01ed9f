import assert from "node:assert/strict";
import { test } from "node:test";
import { Agenda } from "../../../static/js/host/wallmodel.js";
import { EMPTY } from "../../../static/js/net/state.js";

const WALL = "walls/W";
const wallOf = (items, active = null) => ({ code: "W", title: "Wall", items, active });
const pollOf = (id, more = {}) => ({ id, title: `Poll ${id}`, phase: "draft", ...more });

/** What a page holds, as live.js has it. */
class FakeLive {
  constructor() {
    this.streams = [WALL];
    this.states = {};
  }

  state(stream) {
    return this.states[stream] || EMPTY;
  }

  tell(stream, values) {
    this.states[stream] = { ...EMPTY, values, ready: true };
  }

  follow(streams) {
    this.streams = streams;
  }
}

function made(items, known = {}) {
  const live = new FakeLive();
  const agenda = new Agenda({ wallStream: WALL, wall: wallOf(items), items: known }, live);
  agenda.follow();
  return { live, agenda };
}

test("the page's own data is shown until a stream says more", () => {
  const { live, agenda } = made(["polls/A"], { "polls/A": { item: "polls/A", title: "Poll A", poll: pollOf("A") } });
  assert.equal(agenda.entry("polls/A").poll.phase, "draft");
  live.tell("polls/A", { poll: pollOf("A", { phase: "open" }), tally: { ballots: 3 } });
  assert.deepEqual([agenda.entry("polls/A").poll.phase, agenda.entry("polls/A").tally.ballots], ["open", 3]);
});

test("what was followed once is remembered when it is followed no more", () => {
  const { live, agenda } = made(["polls/A"]);
  live.tell("polls/A", { poll: pollOf("A", { phase: "open" }) });
  agenda.entry("polls/A");
  live.streams = [WALL];
  live.states = {};
  assert.equal(agenda.entry("polls/A").poll.phase, "open");
});

test("a new item of the wall is followed, and one that left is not", () => {
  const { live, agenda } = made(["polls/A"]);
  live.tell(WALL, { wall: wallOf(["polls/B", "tasks/9"]) });
  agenda.follow();
  assert.deepEqual(live.streams, [WALL, "polls/B", "tasks/9"]);
});

test("no more than fifteen items are followed; the others are to be read", () => {
  const items = Array.from({ length: 40 }, (_, n) => `polls/${n}`);
  const { live, agenda } = made(items);
  assert.equal(live.streams.length, 16);
  assert.equal(agenda.distant.length, 25);
  assert.deepEqual(agenda.unknown, agenda.distant);
  agenda.learn("polls/39", pollOf("39"));
  assert.ok(!agenda.unknown.includes("polls/39") && agenda.entry("polls/39").title === "Poll 39");
});

test("an item that was refused is left alone until the wall says something new", () => {
  const { live, agenda } = made(["polls/A", "polls/B"]);
  live.states["polls/A"] = { ...EMPTY, error: { code: "no_such_stream" } };
  agenda.follow();
  assert.deepEqual(live.streams, [WALL, "polls/B"]);
  delete live.states["polls/A"];
  agenda.follow();
  assert.deepEqual(live.streams, [WALL, "polls/B"]);
  live.tell(WALL, { wall: wallOf(["polls/A", "polls/B"]) });
  agenda.follow();
  assert.deepEqual(live.streams, [WALL, "polls/A", "polls/B"]);
});

test("a wall that was removed is gone, and one that is on its way is not", () => {
  const { live, agenda } = made([]);
  assert.equal(agenda.gone, false);
  live.tell(WALL, {});
  assert.equal(agenda.gone, true);
});
