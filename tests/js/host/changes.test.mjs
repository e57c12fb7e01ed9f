import assert from "node:assert/strict";
import { test } from "node:test";
import { changesBetween, isFulfilled, isSameState } from "../../../static/js/host/changes.js";

const poll = (more = {}) => ({
  id: "A", title: "T", kind: "single", options: [{ id: "1", label: "Yes" }, { id: "2", label: "No" }], phase: "draft",
  round: 1, results: "live", published: false, allow_change: true, max_choices: 1, closes_at: null, ...more,
});

test("ballots do not change the state of a poll", () => {
  assert.ok(isSameState(poll(), { ...poll(), tally: { ballots: 7 }, ballot: null, now: "x" }));
  assert.ok(!isSameState(poll(), poll({ quorum: 5 })) && !isSameState(poll({ quorum: 5 }), poll()));
});

test("a change by somebody else comes with the host's own value for the same field", () => {
  const now = poll({ title: "Theirs", phase: "open", quorum: 9 });
  assert.deepEqual(changesBetween(poll(), now, { title: "Mine" }), [
    { field: "title", before: "T", now: "Theirs", mine: "Mine" },
    { field: "phase", before: "draft", now: "open" },
    { field: "quorum", before: undefined, now: 9 },
  ]);
});

test("a version that already has what the command wants is no conflict", () => {
  assert.ok(isFulfilled({ phase: "closed" }, poll({ phase: "closed" })));
  assert.ok(!isFulfilled({ phase: "closed" }, poll({ phase: "open" })) && !isFulfilled({}, poll()));
});
