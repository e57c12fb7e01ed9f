import assert from "node:assert/strict";
import { test } from "node:test";
import { WallModel } from "../../../static/js/host/wallmodel.js";
import { EMPTY } from "../../../static/js/net/state.js";

const WALL = "walls/W";
const wallOf = (items, active = null) => ({ code: "W", title: "Wall", items, active });
const pollOf = (id, more = {}) => ({ id, title: `Poll ${id}`, phase: "draft", ...more });

/** The streams of a page, with states that a test sets. */
class FakeLive {
  constructor() {
    this.streams = [WALL];
    this.states = {};
  }

  state(stream) {
    return this.states[stream] || EMPTY;
  }

  set(stream, values) {
    this.states[stream] = { ...EMPTY, values, ready: true };
  }

  follow(streams) {
    this.streams = streams;
  }
}

function modelOf(items, known = {}) {
  const live = new FakeLive();
  const model = new WallModel({ wallStream: WALL, wall: wallOf(items), items: known }, live);
  model.follow();
  return { live, model };
}

test("the data in the page is shown until a stream has more", () => {
  const { live, model } = modelOf(["polls/A"], { "polls/A": { item: "polls/A", title: "Poll A", poll: pollOf("A") } });
  assert.equal(model.item("polls/A").poll.phase, "draft");
  live.set("polls/A", { poll: pollOf("A", { phase: "open" }), tally: { ballots: 3 } });
  assert.deepEqual([model.item("polls/A").poll.phase, model.item("polls/A").tally.ballots], ["open", 3]);
});

test("an item that is no longer followed keeps its last state", () => {
  const { live, model } = modelOf(["polls/A"]);
  live.set("polls/A", { poll: pollOf("A", { phase: "open" }) });
  model.item("polls/A");
  live.streams = [WALL];
  live.states = {};
  assert.equal(model.item("polls/A").poll.phase, "open");
});

test("a new item of the wall is followed, and a removed one is not", () => {
  const { live, model } = modelOf(["polls/A"]);
  live.set(WALL, { wall: wallOf(["polls/B", "tasks/9"]) });
  model.follow();
  assert.deepEqual(live.streams, [WALL, "polls/B", "tasks/9"]);
});

test("at most fifteen items are followed, and the others have to be read", () => {
  const items = Array.from({ length: 40 }, (_, n) => `polls/${n}`);
  const { live, model } = modelOf(items);
  assert.equal(live.streams.length, 16);
  assert.equal(model.notFollowed.length, 25);
  assert.deepEqual(model.unknown, model.notFollowed);
  model.update("polls/39", pollOf("39"));
  assert.ok(!model.unknown.includes("polls/39") && model.item("polls/39").title === "Poll 39");
});

test("a refused item is not followed until the wall says something new", () => {
  const { live, model } = modelOf(["polls/A", "polls/B"]);
  live.states["polls/A"] = { ...EMPTY, error: { code: "no_such_stream" } };
  model.follow();
  assert.deepEqual(live.streams, [WALL, "polls/B"]);
  delete live.states["polls/A"];
  model.follow();
  assert.deepEqual(live.streams, [WALL, "polls/B"]);
  live.set(WALL, { wall: wallOf(["polls/A", "polls/B"]) });
  model.follow();
  assert.deepEqual(live.streams, [WALL, "polls/A", "polls/B"]);
});

test("a removed wall is gone, and one that has not arrived is not", () => {
  const { live, model } = modelOf([]);
  assert.equal(model.isGone, false);
  live.set(WALL, {});
  assert.equal(model.isGone, true);
});

test("questions are followed wherever they stand, and rooms are read instead", () => {
  const { live, model } = modelOf(["rooms/ops"]);
  live.set(WALL, { wall: { ...wallOf([...Array.from({ length: 20 }, (_, n) => `polls/${n}`), "rooms/ops", "questions/W"]), questions: "open" } });
  model.follow();
  assert.equal(live.streams.length, 16);
  assert.ok(live.streams.includes("questions/W") && !live.streams.includes("rooms/ops"));
  assert.ok(model.unknown.includes("rooms/ops"));
  model.update("rooms/ops", { name: "ops", title: "Talk", messages: 7 });
  assert.deepEqual([model.item("rooms/ops").title, model.item("rooms/ops").count], ["Talk", 7]);
  assert.ok(!model.unknown.includes("rooms/ops"));
});

test("items of kinds that the page does not know are shown without a title", () => {
  const { model } = modelOf(["songs/9"]);
  assert.deepEqual(model.item("songs/9"), { item: "songs/9", title: "" });
});
