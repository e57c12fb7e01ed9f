import assert from "node:assert/strict";
import { test } from "node:test";
import { changedFields, formValues, newPollFields, optionFields } from "../../../static/js/host/pollfields.js";

const poll = (more = {}) => ({
  id: "A", title: "T", kind: "single", options: [{ id: "1", label: "Yes" }, { id: "2", label: "No" }], phase: "draft",
  round: 1, results: "live", published: false, allow_change: true, max_choices: 1, closes_at: null, ...more,
});

test("a form that was not changed sends nothing", () => {
  const held = poll({ kind: "multi", max_choices: 2, quorum: 5, options: [{ id: "x", label: "A" }, { id: "y", label: "B" }, { id: "z", label: "None", abstain: true }] });
  assert.deepEqual(changedFields(formValues(held), held), {});
});

test("only changed fields are sent", () => {
  const held = poll({ quorum: 5 });
  assert.deepEqual(changedFields({ ...formValues(held), title: "New", quorum: "", majority: "2/3" }, held), { title: "New", quorum: null, majority: "2/3" });
  assert.deepEqual(changedFields({ ...formValues(held), kind: "multi", max_choices: "" }, held), { kind: "multi", max_choices: 2 });
});

test("options keep their ids where there are as many as before, and get new ones otherwise", () => {
  const held = [{ id: "a", label: "A" }, { id: "n", label: "None", abstain: true }, { id: "b", label: "B" }];
  assert.deepEqual(optionFields({ options: " A2 \n\nB", abstain: "Nobody" }, held), [{ id: "a", label: "A2" }, { id: "b", label: "B" }, { id: "n", label: "Nobody", abstain: true }]);
  assert.deepEqual(optionFields({ options: "A\nB\nC", abstain: "None" }, held).map(({ id }) => id), [undefined, undefined, undefined, undefined]);
});

test("a new poll has the values of its form", () => {
  const given = { ...formValues(), title: "Q", options: "A\nB\n", abstain: "Neither", kind: "multi", quorum: "12" };
  const fields = newPollFields(given, "K7M2QD");
  assert.deepEqual(fields.options, [{ label: "A" }, { label: "B" }, { label: "Neither", abstain: true }]);
  assert.deepEqual([fields.max_choices, fields.quorum, fields.majority, fields.closes_in, fields.wall], [2, 12, null, null, "K7M2QD"]);
});
