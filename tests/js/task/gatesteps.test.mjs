import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { approversText, gatePolls, mayDecide, standingText, waitingGates } from "../../../static/js/task/gatesteps.js";
import { Texts } from "../../../static/js/ui/texts.js";

// tests/core/test_gate_rules.py holds the server to the same results.
const deciders = JSON.parse(readFileSync(new URL("../../vectors/deciders.json", import.meta.url), "utf8"));

const texts = new Texts({
  "gate.role.host": "anybody with the role host",
  "gate.list": "%(first)s, %(next)s",
  "gate.or": "%(first)s or %(last)s",
  "gate.ballots": { one: "%(n)s ballot so far", other: "%(n)s ballots so far" },
  "gate.count": "%(option)s: %(n)s",
  "gate.counts": "%(ballots)s: %(counts)s",
  "gate.quorum": "(quorum: %(n)s)",
});

test("approvers are named as the server names them", () => {
  assert.equal(approversText(["Lin"], texts), "Lin");
  assert.equal(approversText(["Ada", "Lin", "role:host"], texts), "Ada, Lin or anybody with the role host");
});

for (const { what, approvers, me, may } of deciders) {
  test(`approvers: ${what}`, () => assert.equal(mayDecide(approvers, me), may));
}

test("a step that was reported as waiting is no gate", () => {
  const gate = { name: "go", state: "waiting", waits_for: { kind: "approval", approvers: ["Lin"] } };
  const steps = [{ name: "a", state: "waiting" }, gate, { ...gate, name: "b", state: "failed" }];
  assert.deepEqual(waitingGates(steps), [gate]);
});

test("the polls of gates are followed", () => {
  const gate = { name: "go", state: "waiting", waits_for: { kind: "poll", approvers: [], poll: "7Q4F" } };
  const approval = { name: "b", state: "waiting", waits_for: { kind: "approval", approvers: ["Lin"] } };
  assert.deepEqual(waitingGates([gate, approval]), [gate, approval]);
  assert.deepEqual(gatePolls([gate, approval, { ...gate, state: "failed" }]), ["polls/7Q4F"]);
  assert.equal(gatePolls(Array(20).fill(gate)).length, 8, "a connection carries 16 streams");
  const failed = (state) => ({ state: "failed", on_failure: { state, poll: "9K2M" } });
  assert.deepEqual(gatePolls([], failed("open")), ["polls/9K2M"]);
  assert.deepEqual(gatePolls([], failed("started")), [], "its poll is closed");
  assert.deepEqual(gatePolls([], null), []);
});

test("a poll stands as far as the reader may see it", () => {
  const tools = { texts, number: String };
  const poll = { round: 2, quorum: 10, options: [{ id: "1", label: "Yes" }, { id: "2", label: "No" }] };
  const tally = { round: 2, ballots: 4, counts: { 1: 3, 2: 1 } };
  assert.equal(standingText({ poll, tally }, tools), "4 ballots so far: Yes: 3, No: 1 (quorum: 10)");
  assert.equal(standingText({ poll: { ...poll, quorum: undefined }, turnout: { round: 2, ballots: 1 } }, tools), "1 ballot so far");
  assert.equal(standingText({ poll, tally: { ...tally, round: 1 } }, tools), "0 ballots so far (quorum: 10)");
  assert.equal(standingText({ poll }, tools), "");
  assert.equal(standingText({}, tools), "");
});
