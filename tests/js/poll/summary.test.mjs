import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { quorumText, resultSummary } from "../../../static/js/poll/summary.js";
import { Texts } from "../../../static/js/ui/texts.js";

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

test("the quorum is so far, reached, or missed by a number", () => {
  const text = (phase, cast) => quorumText(poll({ quorum: 30, phase }), cast, tools);
  assert.deepEqual([text("open", 25), text("open", 30), text("closed", 25), text("closed", 31)],
    ["quorum of 30: 25 so far", "quorum of 30 reached", "quorum of 30 not reached: 5 short", "quorum of 30 reached"]);
  assert.equal(quorumText(poll(), 5, tools), "");
});

test("no option has the majority while the poll is open", () => {
  const text = (phase, ...counts) => resultSummary(poll({ majority: "2/3", phase }), tally(...counts), null, tools);
  assert.equal(text("open", 8, 1, 0), "majority: two thirds (6)");
  assert.equal(text("closed", 8, 1, 0), "majority (two thirds: 6): Yes");
  assert.equal(text("closed", 5, 4, 3), "no majority (two thirds: 6) · shares are out of 9; 3 abstained");
});

test("there is no number of marks where nobody chose an option", () => {
  const text = (phase, ...counts) => resultSummary(poll({ majority: "2/3", phase }), tally(...counts), null, tools);
  assert.equal(text("open", 0, 0, 0), "majority: two thirds");
  assert.equal(text("closed", 0, 0, 0), "no majority (two thirds): nobody chose an option");
  assert.equal(text("closed", 0, 0, 2), "no majority (two thirds): nobody chose an option · shares are out of 0; 2 abstained");
});

test("no majority counts where the quorum is missed", () => {
  assert.match(resultSummary(poll({ majority: "1/2", quorum: 20, phase: "closed" }), tally(8, 1, 0), null, tools), /^no majority \(more than half\) without the quorum/);
});

test("the previous round is named with its ballots", () => {
  assert.equal(resultSummary(poll({ round: 2, compare: true }), tally(1, 1, 0, 2), tally(3, 1, 0), tools), "previous: round 1, 4 ballots");
});
