import assert from "node:assert/strict";
import { test } from "node:test";
import { commands, isResultShown } from "../../../static/js/host/commands.js";

const poll = (more = {}) => ({
  id: "A", title: "T", kind: "single", options: [{ id: "1", label: "Yes" }, { id: "2", label: "No" }], phase: "draft",
  round: 1, results: "live", published: false, allow_change: true, max_choices: 1, closes_at: null, ...more,
});
const wall = (more = {}) => ({ code: "K7M2QD", title: "W", items: ["polls/A", "polls/B", "tasks/9"], active: null, ...more });

test("one command hides the result of an open poll for good, and another shows it", () => {
  const shown = poll({ phase: "open", published: true });
  assert.deepEqual(commands.results(false)(shown).calls.map(({ method, body }) => [method, body]), [["PUT", { results: "on_publish" }], ["POST", { published: false }]]);
  assert.deepEqual(commands.results(true)(poll({ phase: "open", results: "on_publish" })).calls.map(({ path }) => path), ["/api/polls/A/publish"]);
  assert.equal(commands.results(true)(poll({ phase: "open" })), null);
});

test("the result of a draft is shown or hidden by its setting", () => {
  assert.deepEqual([isResultShown(poll()), isResultShown(poll({ results: "on_publish" })), isResultShown(poll({ results: "after_close", phase: "open" }))], [true, false, false]);
  assert.deepEqual(commands.results(true)(poll({ results: "on_publish" })).calls[0].body, { results: "live" });
});

test("a command with nothing to do has no plan", () => {
  assert.equal(commands.open(poll({ phase: "open" })), null);
  assert.equal(commands.open(poll({ phase: "closed", erased_at: "2026-01-01T00:00:00Z" })), null);
  assert.equal(commands.close(poll({ phase: "closed" })), null);
  assert.equal(commands.reset(1)(poll({ round: 2 })), null);
  assert.equal(commands.edit({})(poll()), null);
  assert.equal(commands.show("polls/Z")(wall()), null);
  assert.equal(commands.reorder((items) => items)(wall()), null);
});
