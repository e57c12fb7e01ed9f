import assert from "node:assert/strict";
import { test } from "node:test";
import { Ballot, classifyError } from "../../../static/js/poll/ballot.js";
import { FakeTime, settle } from "../fakes.mjs";

function booth({ stored = null } = {}) {
  const time = new FakeTime();
  const sent = [];
  const waiting = [];
  const ask = (kind) => (what) => new Promise((resolve) => { sent.push([kind, what.choices || [], what.round]); waiting.push(resolve); });
  const ballot = new Ballot({ send: ask("send"), retract: ask("retract"), load: async () => stored, onChange: () => {}, env: time.env() });
  ballot.start(null, 1);
  return { ballot, time, sent, answer: async (value) => { waiting.shift()(value); await settle(); } };
}

const ok = (choices, receipt = "R1") => ({ ok: { choices, receipt, round: 1 } });

test("a tap shows as pressed at once, and as safe when it is answered", async () => {
  const { ballot, answer } = booth();
  ballot.cast(["2"]);
  assert.deepEqual([ballot.choices, ballot.phase], [["2"], "sending"]);
  await answer(ok(["2"]));
  assert.deepEqual([ballot.choices, ballot.phase, ballot.stored.receipt], [["2"], "safe", "R1"]);
});

test("a ballot without an answer is sent again", async () => {
  const { ballot, time, sent, answer } = booth();
  ballot.cast(["2"]);
  await answer(null);
  await time.pass(2_000);
  assert.equal(sent.length, 2);
  assert.equal(ballot.phase, "retrying");
  await answer(ok(["2"]));
  assert.equal(ballot.phase, "safe");
});

test("a code goes with the ballot, until the browser is known by it", async () => {
  const time = new FakeTime();
  const sent = [];
  const answers = [{ error: { code: "bad_code" } }, ok(["2"]), { error: { code: "bad_code" } }];
  const calls = { send: async (choice) => { sent.push(choice); return answers.shift(); }, retract: async () => null, load: async () => undefined };
  const ballot = new Ballot({ ...calls, onChange: () => {}, env: time.env() });
  ballot.start(null, 1, true);
  ballot.cast(["2"], "NOPE");
  await settle();
  assert.deepEqual([ballot.phase, ballot.needsCode], ["refused", true]);
  ballot.cast(["2"], "ABCD-EFGH-JKMN");
  await settle();
  assert.deepEqual([ballot.phase, ballot.needsCode], ["safe", false]);
  ballot.cast(["1"]);
  await settle();
  assert.deepEqual(sent.map((choice) => choice.code), ["NOPE", "ABCD-EFGH-JKMN", undefined]);
  assert.equal(ballot.needsCode, true); // it was replaced meanwhile
});

test("the newest tap wins", async () => {
  const { ballot, sent, answer } = booth();
  ballot.cast(["1"]);
  ballot.cast(["2"]);
  assert.equal(sent.length, 1);
  await answer(ok(["1"]));
  assert.deepEqual(sent.at(-1), ["send", ["2"], 1]);
  await answer(ok(["2"]));
  assert.deepEqual(ballot.stored.choices, ["2"]);
});

test("a server that drains is waited for as long as it asks", async () => {
  const { ballot, time, sent, answer } = booth();
  ballot.cast(["2"]);
  await answer(classifyError({ code: "draining" }, 3_000));
  await time.pass(2_900);
  assert.equal(sent.length, 1);
  await time.pass(200);
  assert.equal(sent.length, 2);
});

test("a refusal drops the choice and shows the stored ballot", async () => {
  const { ballot, answer } = booth({ stored: { choices: ["1"], receipt: "R0", round: 1 } });
  ballot.cast(["2"]);
  await answer(classifyError({ code: "already_voted" }));
  assert.deepEqual([ballot.phase, ballot.error.code, ballot.choices], ["refused", "already_voted", ["1"]]);
});

test("a retracted ballot is gone", async () => {
  const { ballot, sent, answer } = booth();
  ballot.cast(["2"]);
  await answer(ok(["2"]));
  ballot.retract();
  await answer({ ok: { receipt: null, choices: [], round: 1 } });
  assert.equal(sent.at(-1)[0], "retract");
  assert.deepEqual([ballot.phase, ballot.choices], ["retracted", []]);
});

test("a choice for one round is not carried into the next", async () => {
  const { ballot, time, sent, answer } = booth();
  ballot.cast(["2"]);
  ballot.enterRound(2);
  await answer(null);
  await time.pass(60_000);
  assert.equal(sent.length, 1);
  assert.deepEqual([ballot.choices, ballot.phase], [[], "idle"]);
});
