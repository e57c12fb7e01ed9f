import assert from "node:assert/strict";
import { test } from "node:test";
import { ballotCount, optionStyle, percent, resultRows } from "../../../static/js/poll/tally.js";

const poll = (phase = "open") => ({ phase, round: 1, options: [{ id: "1", label: "A" }, { id: "2", label: "B" }] });
const tally = (a, b) => ({ round: 1, counts: { 1: a, 2: b }, ballots: a + b });

test("a share is a whole number of per cent, but all and none are only all and none", () => {
  assert.deepEqual([percent(0, 0), percent(0, 9), percent(1, 1000), percent(551, 944), percent(999, 1000), percent(9, 9)],
    ["0%", "0%", "<1%", "58%", ">99%", "100%"]);
});

test("rows keep the order of the options", () => {
  assert.deepEqual(resultRows(poll(), tally(1, 5)).map((row) => row.label), ["A", "B"]);
});

test("no option is first while the poll is open", () => {
  assert.ok(resultRows(poll("open"), tally(1, 5)).every((row) => !row.first));
});

test("in a closed poll the first option is marked, and both of a tie", () => {
  assert.deepEqual(resultRows(poll("closed"), tally(1, 5)).map((row) => row.first), [false, true]);
  assert.deepEqual(resultRows(poll("closed"), tally(5, 5)).map((row) => row.first), [true, true]);
  assert.deepEqual(resultRows(poll("closed"), tally(0, 0)).map((row) => row.first), [false, false]);
});

test("an option that misses the majority is not first", () => {
  assert.deepEqual(resultRows({ ...poll("closed"), majority: "2/3" }, tally(2, 3)).map((row) => row.first), [false, false]);
  assert.deepEqual(resultRows({ ...poll("closed"), majority: "1/2" }, tally(2, 3)).map((row) => row.first), [false, true]);
});

test("a tally of another round counts for nothing", () => {
  assert.ok(resultRows(poll(), { ...tally(1, 5), round: 2 }).every((row) => !row.counted));
});

test("the number of ballots comes from the turnout where the tally is hidden", () => {
  assert.equal(ballotCount({ poll: poll(), turnout: { round: 1, ballots: 7 } }), 7);
  assert.equal(ballotCount({ poll: poll() }), 0);
});

test("no two of 32 options look the same", () => {
  const looks = new Set(Array.from({ length: 32 }, (_, index) => JSON.stringify(optionStyle(index))));
  assert.equal(looks.size, 32);
});

const OPTIONS = [{ id: "1", label: "Yes" }, { id: "2", label: "No" }, { id: "3", label: "Abstain", abstain: true }];
const ofThree = (more = {}) => ({ id: "A", phase: "open", round: 1, options: OPTIONS, ...more });
const threeCounts = (a, b, c, round = 1) => ({ round, counts: { 1: a, 2: b, 3: c }, ballots: a + b + c });

test("an abstention has a count and no share", () => {
  const [yes, no, abstain] = resultRows(ofThree({ phase: "closed" }), threeCounts(3, 1, 6));
  assert.deepEqual([yes.percent, no.percent, abstain.percent, abstain.count, abstain.share], ["75%", "25%", "–", 6, 0]);
  assert.deepEqual([yes.first, abstain.first], [true, false]);
});

test("every option but the abstention is compared with the previous round", () => {
  const list = resultRows(ofThree({ round: 2, compare: true }), threeCounts(1, 1, 0, 2), threeCounts(3, 1, 4));
  assert.deepEqual(list.map((row) => row.before && row.before.percent), ["75%", "25%", null]);
  assert.ok(resultRows(ofThree(), threeCounts(1, 1, 0), threeCounts(0, 0, 4)).every((row) => row.before === null));
});
