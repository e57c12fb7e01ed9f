import assert from "node:assert/strict";
import { test } from "node:test";
import { ageText } from "../../../static/js/ui/age.js";

test("an age is told in the largest unit that fits", () => {
  const now = Date.parse("2026-11-29T12:00:00Z");
  const ages = ["2026-11-29T11:59:40Z", "2026-11-29T11:55:00Z", "2026-11-29T09:00:00Z", "2026-11-28T11:00:00Z", "2026-08-01T00:00:00Z"];
  assert.deepEqual(ages.map((at) => ageText(at, now, "en")), ["this minute", "5 minutes ago", "3 hours ago", "yesterday", "3 months ago"]);
  assert.equal(ageText("2024-01-01T00:00:00Z", now, "zh-CN"), "2年前");
  assert.equal(ageText("", now, "en"), "");
});
