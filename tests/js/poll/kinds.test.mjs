import assert from "node:assert/strict";
import { test } from "node:test";

import { formValues, newPollFields } from "../../../static/js/host/pollfields.js";
import { adoptKinds, kindNames, kindOf } from "../../../static/js/poll/kinds/index.js";

const poll = { kind: "multi", max_choices: 2, allow_change: true };

test("a single poll marks the option that was tapped last", () => {
  assert.deepEqual(kindOf("single").mark(poll, ["1"], "2"), ["2"]);
  assert.equal(kindOf("single").castsOnTap(poll), true);
  assert.equal(kindOf("single").castsOnTap({ ...poll, allow_change: false }), false);
});

test("a multi poll marks up to its limit and takes a mark back", () => {
  const { mark } = kindOf("multi");
  assert.deepEqual(mark(poll, [], "1"), ["1"]);
  assert.deepEqual(mark(poll, ["1"], "2"), ["1", "2"]);
  assert.deepEqual(mark(poll, ["1", "2"], "1"), ["2"]);
  assert.equal(mark(poll, ["1", "2"], "3"), null);
});

test("a kind that a package adds is drawn by the module it names, and offered in the form", () => {
  adoptKinds({ pair: "multi", single: "multi", odd: "absent" });
  assert.equal(kindOf("pair"), kindOf("multi"));
  assert.notEqual(kindOf("single"), kindOf("multi"));
  assert.deepEqual(kindNames(), ["single", "multi", "pair"]);
  const values = { ...formValues(), title: "T", options: "A\nB\nC", kind: "pair" };
  assert.deepEqual([newPollFields(values, "W").kind, newPollFields(values, "W").max_choices], ["pair", 3]);
});

test("a kind that the page does not know is the simplest", () => {
  assert.equal(kindOf("absent"), kindOf("single"));
});
