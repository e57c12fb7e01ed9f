import assert from "node:assert/strict";
import { test } from "node:test";
import { elapsed, forecast, forecastText, progressShare, progressText } from "../../../static/js/task/timing.js";

test("the forecast is an estimate, the time left, or the time overdue", () => {
  const texts = { say: (key, values = {}) => [key, ...Object.values(values)].join(" ") };
  const now = Date.parse("2026-01-01T00:01:00Z");
  assert.equal(forecastText({ state: "running", eta: null }, now, texts), "task.no_estimate");
  assert.equal(forecastText({ state: "running", eta: "2026-01-01T00:03:40Z" }, now, texts), "task.left 2:40");
  assert.equal(forecastText({ state: "running", eta: "2026-01-01T00:00:30Z" }, now, texts), "task.overdue 0:30");
  assert.equal(forecastText({ state: "failed", eta: null }, now, texts), "");
  assert.equal(forecast({ state: "lost", eta: "2026-01-01T00:00:30Z" }, now).kind, "ended");
  assert.equal(elapsed({ started_at: "2026-01-01T00:00:00Z", ended_at: null }, now), 60_000);
});

test("the progress is the reported one, else an estimate that never reaches the end", () => {
  const now = Date.parse("2026-01-01T00:01:00Z");
  const step = { state: "running", started_at: "2026-01-01T00:00:00Z", eta: "2026-01-01T00:02:00Z", progress: null };
  assert.equal(progressShare({ ...step, progress: 0.4 }, now), 0.4);
  assert.equal(progressShare(step, now), 0.5);
  assert.equal(progressShare(step, now + 600_000), 0.97);
  assert.equal(progressShare({ ...step, eta: null }, now), 0);
  assert.equal(progressShare({ ...step, state: "succeeded", ended_at: step.eta }, now), 0);
});

test("the reported progress is rounded down, so that 100% is all of it, and what has ended shows none", () => {
  assert.equal(progressText({ state: "running", progress: 0.999 }), "99%");
  assert.equal(progressText({ state: "running", progress: 1 }), "100%");
  assert.equal(progressText({ state: "running", progress: null }), "");
  assert.equal(progressText({ state: "failed", progress: 0.4 }), "");
});
