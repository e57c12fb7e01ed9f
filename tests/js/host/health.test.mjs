import assert from "node:assert/strict";
import { test } from "node:test";
import { conditionOf } from "../../../static/js/host/health.js";

test("the condition of a screen is live, old, or silent", () => {
  const now = Date.parse("2026-11-21T12:00:30Z");
  const at = (second, age) => conditionOf({ seen: `2026-11-21T12:00:${second}Z`, age }, now).state;
  assert.deepEqual([at("25", 40), at("25", 60_000), at("04", 40), at("40", 40)], ["live", "old", "silent", "live"]);
});
