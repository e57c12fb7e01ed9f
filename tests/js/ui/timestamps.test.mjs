import assert from "node:assert/strict";
import { test } from "node:test";
import { formatLogTime, formatShortTimestamp, formatTimestamp, formatUtc } from "../../../static/js/ui/timestamps.js";

const NOON = Date.parse("2026-01-01T12:00:00Z");

/** Node takes the time zone from TZ. */
function inZone(zone, work) {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    work();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

test("a time is written in the reader's zone, with its name, and in UTC", () => {
  inZone("Asia/Kolkata", () => {
    assert.equal(formatTimestamp("2026-01-01T20:00:09.250Z"), "2026-01-02 01:30:09 GMT+5:30");
    assert.equal(formatTimestamp("2026-01-01T20:00:09Z", { seconds: false }), "2026-01-02 01:30 GMT+5:30");
    assert.equal(formatLogTime("2026-01-01T20:00:09.250Z"), "01:30:09.250");
    assert.equal(formatUtc("2026-01-01T20:00:09.250Z"), "2026-01-01 20:00:09 UTC");
  });
  inZone("UTC", () => assert.equal(formatTimestamp("2026-01-01T20:00:09Z"), "2026-01-01 20:00:09 UTC"));
});

test("only a time of today has no date", () => {
  inZone("UTC", () => {
    assert.equal(formatShortTimestamp("2026-01-01T11:05:00Z", NOON), "11:05 UTC");
    assert.equal(formatShortTimestamp("2025-12-31T11:05:00Z", NOON), "2025-12-31 11:05 UTC");
  });
});

test("anything that is not a time gives an empty text", () => {
  for (const each of ["", null, undefined, "soon"]) {
    assert.deepEqual([formatTimestamp(each), formatShortTimestamp(each, NOON), formatLogTime(each), formatUtc(each)], ["", "", "", ""]);
  }
});
