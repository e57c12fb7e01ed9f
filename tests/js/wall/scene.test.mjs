import assert from "node:assert/strict";
import { test } from "node:test";
import { neededStreams, pageScene } from "../../../static/js/wall/scene.js";

const gate = { name: "go", state: "waiting", waits_for: { kind: "poll", approvers: [], poll: "7Q4F" } };
const states = {
  "walls/K7M2QD": { values: { wall: { active: "tasks/9" } } },
  "walls/EMPTY": { values: { wall: { active: null } } },
  "walls/ASKS": { ready: true, values: { wall: { active: "questions/ASKS" } } },
  "walls/TALKS": { ready: true, values: { wall: { active: "rooms/ops" } } },
  "tasks/9": { values: { task: {}, "step/go": gate } },
  "tasks/10": { values: { task: { on_failure: { state: "open", poll: "9K2M" } } } },
  "polls/P": { values: {} },
};
const stateOf = (stream) => states[stream] || { values: {} };

test("a page of one item follows it and its log", () => {
  assert.deepEqual(neededStreams({ stream: "polls/P" }, stateOf), ["polls/P"]);
  assert.deepEqual(neededStreams({ stream: "tasks/9", log: "tasks/9/logs/go" }, stateOf), ["tasks/9", "tasks/9/logs/go"]);
});

test("a page of a wall follows the wall and what it shows", () => {
  assert.deepEqual(neededStreams({ wallStream: "walls/EMPTY" }, stateOf), ["walls/EMPTY"]);
  assert.deepEqual(neededStreams({ wallStream: "walls/K7M2QD" }, stateOf), ["walls/K7M2QD", "tasks/9"]);
});

test("a page that shows gates follows the polls that decide them", () => {
  assert.deepEqual(neededStreams({ stream: "polls/P" }, stateOf, true), ["polls/P"]);
  assert.deepEqual(neededStreams({ wallStream: "walls/K7M2QD" }, stateOf, true), ["walls/K7M2QD", "tasks/9", "polls/7Q4F"]);
  const page = { stream: "tasks/9", log: "tasks/9/logs/go" };
  assert.deepEqual(neededStreams(page, stateOf, true), ["tasks/9", "tasks/9/logs/go", "polls/7Q4F"]);
  assert.deepEqual(neededStreams({ stream: "tasks/10" }, stateOf, true), ["tasks/10", "polls/9K2M"]);
});

test("while a wall shows its questions or a room, the place of the vote is a lobby", () => {
  for (const wallStream of ["walls/ASKS", "walls/TALKS"]) {
    assert.deepEqual(neededStreams({ wallStream }, stateOf), [wallStream]);
    const scene = pageScene({ wallStream }, stateOf);
    assert.deepEqual([scene.kind, scene.stream, scene.beside], ["lobby", null, states[wallStream].values.wall.active]);
  }
});

test("the screen shows the questions or the room of its wall, and needs their streams", () => {
  const page = { wallStream: "walls/W", posters: true };
  const wallOf = (active) => ({ values: { wall: { active, items: [active] } }, ready: true, error: null });
  const questions = { values: { questions: { open: true }, "question/1": { n: 1 } }, ready: true, error: null };
  const room = { values: { room: { title: "Talk" } }, ready: true, error: null };
  const shown = (active, item) => (stream) => (stream === "walls/W" ? wallOf(active) : item);
  assert.deepEqual(neededStreams(page, shown("questions/W", questions)), ["walls/W", "questions/W"]);
  assert.equal(pageScene(page, shown("questions/W", questions)).kind, "questions");
  const scene = pageScene(page, shown("rooms/ops", room));
  assert.deepEqual([scene.kind, scene.room.title], ["room", "Talk"]);
  const refused = { values: {}, ready: false, error: { code: "unauthenticated" } };
  const gone = pageScene(page, shown("rooms/inside", refused));
  assert.deepEqual([gone.kind, gone.code], ["gone", "unauthenticated"]);
  assert.equal(pageScene(page, shown("questions/W", { ...questions, values: {} })).kind, "gone");
});
