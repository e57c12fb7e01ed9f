import assert from "node:assert/strict";
import { test } from "node:test";
import { clockFace } from "../../../static/js/net/clock.js";
import { ballots, density, lengthClass, look, percent, rows } from "../../../static/js/poll/tally.js";
import { Texts, grouped } from "../../../static/js/ui/texts.js";

const poll = (phase = "open") => ({ phase, round: 1, options: [{ id: "1", label: "A" }, { id: "2", label: "B" }] });
const tally = (a, b) => ({ round: 1, counts: { 1: a, 2: b }, ballots: a + b });

test("a share is a whole number of per cent, but all and none are only all and none", () => {
  assert.deepEqual([percent(0, 0), percent(0, 9), percent(1, 1000), percent(551, 944), percent(999, 1000), percent(9, 9)],
    ["0%", "0%", "<1%", "58%", ">99%", "100%"]);
});

test("rows keep the order of the options", () => {
  assert.deepEqual(rows(poll(), tally(1, 5)).map((row) => row.label), ["A", "B"]);
});

test("nobody is first while the poll is open", () => {
  assert.ok(rows(poll("open"), tally(1, 5)).every((row) => !row.first));
});

test("when it is closed the first is named, and both of a tie", () => {
  assert.deepEqual(rows(poll("closed"), tally(1, 5)).map((row) => row.first), [false, true]);
  assert.deepEqual(rows(poll("closed"), tally(5, 5)).map((row) => row.first), [true, true]);
  assert.deepEqual(rows(poll("closed"), tally(0, 0)).map((row) => row.first), [false, false]);
});

test("nobody is first who misses the majority asked for", () => {
  assert.deepEqual(rows({ ...poll("closed"), majority: "2/3" }, tally(2, 3)).map((row) => row.first), [false, false]);
  assert.deepEqual(rows({ ...poll("closed"), majority: "1/2" }, tally(2, 3)).map((row) => row.first), [false, true]);
});

test("a tally of another round counts for nothing", () => {
  assert.ok(rows(poll(), { ...tally(1, 5), round: 2 }).every((row) => !row.counted));
});

test("the turnout speaks where the tally is hidden", () => {
  assert.equal(ballots({ poll: poll(), turnout: { round: 1, ballots: 7 } }), 7);
  assert.equal(ballots({ poll: poll() }), 0);
});

test("no two of 32 options look the same", () => {
  const looks = new Set(Array.from({ length: 32 }, (_, index) => JSON.stringify(look(index))));
  assert.equal(looks.size, 32);
});

test("the poster grows denser with more options and longer questions", () => {
  const short = [2, 3, 4, 6, 8, 9, 20, 40].map((options) => density(Array(options).fill("label")));
  assert.deepEqual(short, ["pair", "large", "few", "some", "many", "two", "two-tight", "three"]);
  const long = (options, letters) => density(Array(options).fill("x".repeat(letters)));
  assert.deepEqual([2, 5, 7, 10, 20, 40].map((options) => long(options, 90)), ["large", "many", "dense-two", "two-small", "two-cut", "three-cut"]);
  assert.deepEqual([long(2, 199), long(7, 60), long(7, 199)], ["few", "many", "dense-cut"]);
  assert.equal(density(Array(8).fill("label"), "a".repeat(300)), "dense");
  assert.deepEqual(["a".repeat(60), "a".repeat(61), "a".repeat(300), "周".repeat(40)].map(lengthClass), ["short", "medium", "endless", "medium"]);
});

test("time left reads as a clock", () => {
  assert.deepEqual([0, 999, 42_000, 65_000, 3_665_000, -5].map(clockFace), ["0:00", "0:01", "0:42", "1:05", "1:01:05", "0:00"]);
});

test("texts fill in values and choose singular or plural", () => {
  const texts = new Texts({ one: "Round %(round)s", ballots: { one: "%(n)s ballot", other: "%(n)s ballots" } });
  assert.equal(texts.say("one", { round: 2 }), "Round 2");
  assert.equal(texts.say("ballots", { n: 1 }, 1), "1 ballot");
  assert.equal(texts.say("ballots", { n: "1,012" }, 1012), "1,012 ballots");
});

test("a receipt is read in groups of four", () => {
  assert.equal(grouped("7F3KQ2M8ABCDEFGH"), "7F3K-Q2M8-ABCD-EFGH");
});
