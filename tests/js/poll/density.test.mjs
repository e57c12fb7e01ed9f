import assert from "node:assert/strict";
import { test } from "node:test";
import { density, extraHeight } from "../../../static/js/poll/density.js";

test("the poster grows denser with more options and longer questions", () => {
  const short = [2, 3, 4, 6, 8, 9, 20, 40].map((options) => density(Array(options).fill("label")));
  assert.deepEqual(short, ["pair", "large", "few", "some", "many", "two", "two-tight", "three"]);
  const long = (options, letters) => density(Array(options).fill("x".repeat(letters)));
  assert.deepEqual([2, 5, 7, 10, 20, 40].map((options) => long(options, 90)), ["large", "many", "dense-two", "two-small", "two-cut", "three-cut"]);
  assert.deepEqual([long(2, 199), long(7, 60), long(7, 199)], ["few", "many", "dense-cut"]);
  assert.equal(density(Array(8).fill("label"), "a".repeat(300)), "dense");
});

const OPTIONS = [{ id: "1", label: "Yes" }, { id: "2", label: "No" }, { id: "3", label: "Abstain", abstain: true }];
const poll = (more = {}) => ({ id: "A", phase: "open", round: 1, options: OPTIONS, ...more });

test("rules take room from the rows", () => {
  assert.deepEqual(extraHeight({ options: [{ id: "1" }], round: 1 }), { foot: 0, row: 0 });
  assert.deepEqual(extraHeight(poll()), { foot: 4, row: 0 });
  assert.deepEqual(extraHeight(poll({ compare: true, round: 2 })), { foot: 4, row: 1.2 });
});
