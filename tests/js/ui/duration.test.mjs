import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration } from "../../../static/js/ui/duration.js";

test("time left reads as a clock", () => {
  assert.deepEqual([0, 999, 42_000, 65_000, 3_665_000, -5].map(formatDuration), ["0:00", "0:01", "0:42", "1:05", "1:01:05", "0:00"]);
});
