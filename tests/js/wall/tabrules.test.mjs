import assert from "node:assert/strict";
import { test } from "node:test";
import { activeTab, isNew, newestMarks, nextTab, roomOf, tabsOf } from "../../../static/js/wall/tabrules.js";

const wall = (more) => ({ code: "K7M2QD", title: "", items: [], active: null, ...more });

test("a wall with votes alone has no tabs", () => {
  assert.deepEqual(tabsOf(wall(), null), []);
  assert.deepEqual(tabsOf(undefined, null), []);
  assert.deepEqual(tabsOf(wall({ questions: "closed" }), null), ["vote", "questions"]);
  assert.deepEqual(tabsOf(wall({ questions: "open" }), "rooms/a"), ["vote", "questions", "talk"]);
});

test("the room is the active one, or the first that may be read", () => {
  const items = ["polls/1", "rooms/a", "rooms/b"];
  assert.equal(roomOf(wall({ items })), "rooms/a");
  assert.equal(roomOf(wall({ items, active: "rooms/b" })), "rooms/b");
  assert.equal(roomOf(wall({ items, active: "rooms/b" }), (room) => room === "rooms/b"), "rooms/a");
  assert.equal(roomOf(wall({ items: ["polls/1"] })), null);
});

test("only somebody who has chosen no tab follows what the wall shows, and not while they touch the page", () => {
  const tabs = ["vote", "questions", "talk"];
  const state = { tabs, shown: "vote", chosen: false, isTouched: false, active: "questions" };
  assert.equal(nextTab(state), "questions");
  assert.equal(nextTab({ ...state, chosen: true }), "vote");
  assert.equal(nextTab({ ...state, isTouched: true }), "vote");
  assert.equal(nextTab({ ...state, shown: "talk", active: null }), "talk");
  assert.equal(nextTab({ ...state, tabs: ["vote", "talk"], active: "questions" }), "vote");
  assert.equal(nextTab({ ...state, tabs: ["vote", "talk"], shown: "questions", chosen: true }), "vote"); // it is gone
});

test("what is active belongs to a tab", () => {
  const of = (active) => activeTab(wall({ active }));
  assert.deepEqual(["polls/1", "tasks/9", "questions/K7M2QD", "rooms/a", null].map(of), ["vote", "vote", "questions", "talk", null]);
});

test("a tab is marked for what came since the reader looked there", () => {
  const questions = { ready: true, values: { questions: {}, "question/2": { state: "shown" }, "question/12": { state: "shown" }, "question/13": { state: "pending" } } };
  const room = { ready: false, values: {} };
  const scene = { kind: "poll", stream: "polls/1", poll: { phase: "open", round: 2 } };
  assert.deepEqual(newestMarks(scene, questions, room), { vote: "polls/1 2", questions: "12", talk: null });
  assert.deepEqual(newestMarks({ kind: "lobby" }, room, room).vote, "");
  assert.deepEqual(["9", "12", null].map((seen) => isNew("questions", "12", seen)), [true, false, false]);
  assert.deepEqual(["polls/1 1", "polls/1 2", null].map((seen) => isNew("vote", "polls/1 2", seen)), [true, false, true]);
  assert.equal(isNew("vote", "", "polls/1 2"), false);
});
