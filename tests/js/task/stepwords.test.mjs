import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonOf, saidOf, stepsText, waitText } from "../../../static/js/task/stepwords.js";

/** Says the key of a text with its values. */
const texts = {
  say: (key, values = {}) => [key, ...Object.entries(values).map(([name, value]) => `${name}=${value}`)].join(" "),
  has: () => true,
};

// tests/pages/test_step_words.py holds the server to the same results.
for (const [step, said] of [
  [{ state: "waiting", paused: true, message: "paused by Lin" }, "hosts.paused_by name=Lin"],
  [{ state: "running", paused: true, message: "Lin pauses it" }, "hosts.pausing_by name=Lin"],
  [{ state: "running", paused: true, message: "" }, "hosts.pausing"],
  [{ state: "waiting", paused: true, message: "else" }, "hosts.paused"],
  [{ state: "waiting", message: "x", waits_for: { kind: "host_key", approvers: [], host: "web1" } }, "hosts.asks_key_of host=web1"],
  [{ state: "waiting", message: "x", waits_for: { kind: "poll", approvers: [], poll: "P" } }, "task.waits_poll"],
  [{ state: "waiting", message: "x", waits_for: { kind: "approval", approvers: ["Lin"] } }, "gate.waits who=Lin"],
  [{ state: "running", message: "compiles" }, ""],
  [{ state: "waiting", message: "for the night" }, ""],
]) {
  test(`a step that is ${step.state} with ${JSON.stringify(step.message)} says ${said || "nothing of itself"}`, () => {
    assert.equal(waitText(step, texts), said);
    assert.equal(saidOf(step, texts), said || step.message);
  });
}

test("the steps that succeeded are counted, and those that failed or were skipped if there are any", () => {
  const steps = (...states) => states.map((state) => ({ name: state, state }));
  assert.equal(stepsText(steps("succeeded", "running"), texts), "task.done n=1 of=2");
  assert.equal(
    stepsText(steps("succeeded", "failed", "lost", "skipped", "cancelled"), texts),
    "task.done n=1 of=5 · task.of_state n=2 state=state.failed · task.of_state n=1 state=state.skipped",
  );
});

test("who may not know the approvers is told that there is a decision", () => {
  const step = { state: "waiting", waits_for: { kind: "approval", approvers: ["Lin"] } };
  assert.equal(waitText(step, { ...texts, has: () => false }), "task.waits_decision");
});

test("a task that waits says for what", () => {
  const steps = [{ name: "a", state: "succeeded" }, { name: "b", state: "waiting", paused: true, message: "paused by Lin" }];
  assert.equal(reasonOf({ state: "waiting", reason: "b: paused by Lin" }, steps, texts), "b: hosts.paused_by name=Lin");
  assert.equal(reasonOf({ state: "failed", reason: "b: exit status 1" }, steps, texts), "b: exit status 1");
  assert.equal(reasonOf({ state: "running" }, [], texts), "");
});
