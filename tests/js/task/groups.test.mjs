import assert from "node:assert/strict";
import { test } from "node:test";
import { groupOf, groupTasks, matchesFilter, mergeTasks } from "../../../static/js/task/groups.js";

const task = (id, state, more = {}) => ({ id, state, title: `Task ${id}`, pipeline: null, created_at: `2026-01-01T00:00:0${id}Z`, ended_at: null, ...more });

test("tasks stand in three groups, filtered as the server filters", () => {
  const tasks = [task("1", "succeeded", { ended_at: "2" }), task("2", "running"), task("3", "pending"), task("4", "failed", { ended_at: "3" }), task("5", "cancelling")];
  const groups = groupTasks(tasks, {});
  assert.deepEqual(Object.values(groups).map((list) => list.map(({ id }) => id)), [["2", "5"], ["3"], ["4", "1"]]);
  assert.deepEqual(groupTasks(tasks, { state: "failed" }).ended.map(({ id }) => id), ["4"]);
  assert.equal(matchesFilter(tasks[0], { q: "TASK" }) && matchesFilter(tasks[0], { q: "1" }) && !matchesFilter(tasks[0], { q: "2" }), true);
  assert.equal(groupOf({ state: "waiting" }), "waiting");
});

test("the stream is newer than what was fetched", () => {
  const older = new Map([["1", task("1", "running")], ["9", task("9", "succeeded")]]);
  const all = mergeTasks({ "task/1": task("1", "failed") }, older);
  assert.deepEqual(all.map(({ id, state }) => [id, state]), [["1", "failed"], ["9", "succeeded"]]);
});
