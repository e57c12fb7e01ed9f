import assert from "node:assert/strict";
import { test } from "node:test";
import { WallResults, topRows } from "../../../static/js/wall/results.js";
import { FakeTime, settle } from "../fakes.mjs";

const wall = (items = ["polls/A"]) => ({ title: "Forum", items, active: null });
const over = { over: true, items: [], hidden: 0 };

function results(answers, page = {}, pace = {}) {
  const time = new FakeTime();
  const asked = [];
  const fetch = async (address) => {
    asked.push(address);
    const answer = answers.shift();
    if (!answer) throw new TypeError("no network");
    return { ok: true, json: async () => answer };
  };
  const held = new WallResults({ env: time.env({ fetch }), page: { wallStream: "walls/K7M2QD", ...page }, redraw: () => {} }, pace);
  return { held, time, asked };
}

test("the last picture stays until it is known whether the wall is over", async () => {
  const { held, asked } = results([over]);
  const scene = { kind: "lobby", wall: wall(), stream: null };
  assert.equal(held.resultsFor(scene), undefined);
  await settle();
  assert.deepEqual(held.resultsFor(scene), over);
  assert.deepEqual(asked, ["http://wall.test/api/walls/K7M2QD/results?as=audience"]);
});

test("the lobby is shown where the request fails", async () => {
  const { held, time } = results([]);
  const scene = { kind: "lobby", wall: wall(), stream: null };
  held.resultsFor(scene);
  await time.pass(2_000);
  assert.equal(held.resultsFor(scene), null);
});

test("the results in the page are not fetched again at once", () => {
  const { held, asked } = results([], { results: over });
  assert.deepEqual(held.resultsFor({ kind: "lobby", wall: wall(), stream: null }), over);
  assert.deepEqual(asked, []);
});

test("the results are fetched every ten seconds, and when the wall says something new", async () => {
  const { held, time, asked } = results([over, over, { over: false }]);
  const scene = { kind: "lobby", wall: wall(), stream: null };
  for (const seconds of [0, 3, 8]) {
    await time.pass(seconds * 1000);
    held.resultsFor(scene);
  }
  assert.equal(asked.length, 2);
  await settle();
  assert.deepEqual(held.resultsFor({ ...scene, wall: wall(["polls/A", "polls/B"]) }), over); // until it is known better
  await settle();
  assert.equal(held.resultsFor({ ...scene, wall: held.wall }), null);
});

test("the phones of a hall do not all fetch at once, and then seldom", async () => {
  const { held, time, asked } = results([over, over, over], {}, { interval: 60_000, spread: 3_000 });
  const counts = [];
  for (const seconds of [0, 1, 1, 58, 1]) {
    await time.pass(seconds * 1000);
    held.resultsFor({ kind: "lobby", wall: held.wall || wall(), stream: null });
    counts.push(asked.length);
  }
  assert.deepEqual(counts, [0, 0, 1, 1, 1]);
  await time.pass(1000);
  held.resultsFor({ kind: "lobby", wall: held.wall, stream: null });
  assert.equal(asked.length, 2);
  held.resultsFor({ kind: "lobby", wall: wall(["polls/B"]), stream: null });
  assert.equal(asked.length, 2);
  await time.pass(1500);
  held.resultsFor({ kind: "lobby", wall: held.wall, stream: null });
  assert.equal(asked.length, 3);
});

test("nothing is fetched while an item is shown, on a wall without items, or for a draft", () => {
  const { held, asked } = results([]);
  for (const scene of [{ kind: "poll", wall: wall() }, { kind: "lobby", wall: wall([]) }, { kind: "lobby", wall: wall(), stream: "polls/A" }]) {
    assert.equal(held.resultsFor(scene), null);
  }
  assert.deepEqual(asked, []);
});

test("an answer that arrives while an item is shown is dropped", async () => {
  const { held } = results([over, { over: false }]);
  held.resultsFor({ kind: "lobby", wall: wall(), stream: null });
  held.resultsFor({ kind: "poll", wall: wall() });
  await settle();
  assert.equal(held.results, null);
});

test("the options with the most ballots are shown, in their order", () => {
  const rows = [4, 9, 1, 9, 4].map((count, index) => ({ count, number: index + 1 }));
  assert.deepEqual(topRows(rows, 3).map((row) => row.number), [1, 2, 4]);
  assert.equal(topRows(rows, 5), rows);
});
