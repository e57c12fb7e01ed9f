import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Earlier } from "../../../static/js/poll/previousround.js";
import { beside, quorum } from "../../../static/js/poll/summary.js";
import { extras, rows } from "../../../static/js/poll/tally.js";
import { Texts } from "../../../static/js/ui/texts.js";
import { FakeTime, settle } from "../fakes.mjs";

/** The catalogue as pages get it. */
function catalogue(name = "en_US") {
  const table = {};
  for (const line of readFileSync(new URL(`../../../locale/${name}.csv`, import.meta.url), "utf-8").split("\n").filter(Boolean)) {
    const [key, text, form] = JSON.parse(`[${line.replace(/""/g, '\\"')}]`);
    if (!form) table[key] = text;
    else table[key] = { ...table[key], [form === "plural" ? "other" : "one"]: text };
  }
  return new Texts(table);
}

const tools = { texts: catalogue(), number: String };
const OPTIONS = [{ id: "1", label: "Yes" }, { id: "2", label: "No" }, { id: "3", label: "Abstain", abstain: true }];
const poll = (more = {}) => ({ id: "A", phase: "open", round: 1, options: OPTIONS, ...more });
const tally = (a, b, c, round = 1) => ({ round, counts: { 1: a, 2: b, 3: c }, ballots: a + b + c });

test("a quorum says how far it is, that it was reached, or by how many it was missed", () => {
  const said = (phase, cast) => quorum(poll({ quorum: 30, phase }), cast, tools);
  assert.deepEqual([said("open", 25), said("open", 30), said("closed", 25), said("closed", 31)],
    ["quorum of 30: 25 so far", "quorum of 30 reached", "quorum of 30 missed by 5", "quorum of 30 reached"]);
  assert.equal(quorum(poll(), 5, tools), "");
});

test("nobody is said to have the majority while the poll is open", () => {
  const said = (phase, ...counts) => beside(poll({ majority: "2/3", phase }), tally(...counts), null, tools);
  assert.equal(said("open", 8, 1, 0), "majority: two thirds (6)");
  assert.equal(said("closed", 8, 1, 0), "majority (two thirds: 6): Yes");
  assert.equal(said("closed", 5, 4, 3), "no majority (two thirds: 6) · shares are of 9: 3 abstained");
});

test("a share of nobody is not a number", () => {
  const said = (phase, ...counts) => beside(poll({ majority: "2/3", phase }), tally(...counts), null, tools);
  assert.equal(said("open", 0, 0, 0), "majority: two thirds");
  assert.equal(said("closed", 0, 0, 0), "no majority (two thirds): nobody chose");
  assert.equal(said("closed", 0, 0, 2), "no majority (two thirds): nobody chose · shares are of 0: 2 abstained");
});

test("no majority counts where the quorum is missed", () => {
  assert.match(beside(poll({ majority: "1/2", quorum: 20, phase: "closed" }), tally(8, 1, 0), null, tools), /^no majority \(more than half\) without the quorum/);
});

test("the round before is named with its ballots", () => {
  assert.equal(beside(poll({ round: 2, compare: true }), tally(1, 1, 0, 2), tally(3, 1, 0), tools), "before: round 1, 4 ballots");
});

test("an abstention has a count and no share", () => {
  const [yes, no, abstain] = rows(poll({ phase: "closed" }), tally(3, 1, 6));
  assert.deepEqual([yes.percent, no.percent, abstain.percent, abstain.count, abstain.share], ["75%", "25%", "–", 6, 0]);
  assert.deepEqual([yes.first, abstain.first], [true, false]);
});

test("every option stands beside what it had before, but who abstains", () => {
  const list = rows(poll({ round: 2, compare: true }), tally(1, 1, 0, 2), tally(3, 1, 4));
  assert.deepEqual(list.map((row) => row.before && row.before.percent), ["75%", "25%", null]);
  assert.ok(rows(poll(), tally(1, 1, 0), tally(0, 0, 4)).every((row) => row.before === null));
});

test("rules take room from the rows", () => {
  assert.deepEqual(extras({ options: [{ id: "1" }], round: 1 }), { foot: 0, row: 0 });
  assert.deepEqual(extras(poll()), { foot: 4, row: 0 });
  assert.deepEqual(extras(poll({ compare: true, round: 2 })), { foot: 4, row: 1.2 });
});

// -- fetching the round before

function earlier(answers, options = {}) {
  const time = new FakeTime();
  const asked = [];
  let drawn = 0;
  const fetch = async (address) => {
    asked.push(address);
    const items = answers.shift();
    return items ? { ok: true, json: async () => ({ items }) } : { ok: false };
  };
  return { held: new Earlier({ env: time.env({ fetch }), redraw: () => { drawn += 1; }, ...options }), asked, time, drawn: () => drawn };
}

const second = { stream: "polls/A", poll: poll({ round: 3, compare: true }), tally: tally(1, 0, 0, 3) };

test("the newest round before this one is asked for once", async () => {
  const { held, asked, drawn } = earlier([[tally(1, 0, 0, 1), tally(2, 0, 0, 2), tally(3, 0, 0, 3)]]);
  assert.equal(held.of(second), null);
  await settle();
  assert.deepEqual([held.of(second).round, drawn()], [2, 1]);
  held.of(second);
  assert.deepEqual(asked, ["http://wall.test/api/polls/A/rounds?as=audience"]);
});

test("it is not asked for while the tally is hidden, nor where nothing is compared", () => {
  const { held, asked } = earlier([]);
  held.of({ ...second, tally: null });
  held.of({ ...second, poll: poll({ round: 3 }) });
  held.of({ ...second, poll: poll({ compare: true }) });
  assert.deepEqual(asked, []);
});

test("what was refused is asked again, not at once", async () => {
  const { held, asked, time } = earlier([null, [tally(2, 0, 0, 2)]]);
  for (const seconds of [0, 1, 10]) {
    await time.pass(seconds * 1000);
    held.of(second);
    await settle();
  }
  assert.equal(asked.length, 2);
  assert.equal(held.of(second).round, 2);
});

test("phones that wait for a round ask within a few seconds, not all in the same moment", async () => {
  const { held, asked, time } = earlier([[tally(2, 0, 0, 2)]], { spread: 3_000 });
  for (const [passed, calls] of [[60_000, 0], [1_000, 0], [1_000, 1]]) {
    await time.pass(passed);
    held.of(second);
    assert.equal(asked.length, calls);
  }
});

test("a phone that has just come asks at once", () => {
  const { held, asked } = earlier([[tally(2, 0, 0, 2)]], { spread: 3_000 });
  held.of(second);
  assert.equal(asked.length, 1);
});
