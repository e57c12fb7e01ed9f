import assert from "node:assert/strict";
import { test } from "node:test";
import { groupReceipt } from "../../../static/js/poll/receipt.js";

test("a receipt is read in groups of four", () => {
  assert.equal(groupReceipt("7F3KQ2M8ABCDEFGH"), "7F3K-Q2M8-ABCD-EFGH");
});
