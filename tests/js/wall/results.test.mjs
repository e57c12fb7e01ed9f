import assert from "node:assert/strict";
import { test } from "node:test";
import { keepAwake } from "../../../static/js/wall/wakelock.js";
import { Overview, mostChosen } from "../../../static/js/wall/results.js";
import { FakeTime, settle } from "../fakes.mjs";

// -- the end of a wall

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
  const held = new Overview({ env: time.env({ fetch }), page: { wallStream: "walls/K7M2QD", ...page }, redraw: () => {} }, pace);
  return { held, time, asked };
}

test("the last picture stays until it is known whether that was all", async () => {
  const { held, asked } = results([over]);
  const scene = { kind: "lobby", wall: wall(), stream: null };
  assert.equal(held.of(scene), undefined);
  await settle();
  assert.deepEqual(held.of(scene), over);
  assert.deepEqual(asked, ["http://wall.test/api/walls/K7M2QD/results?as=audience"]);
});

test("where it cannot be asked, the lobby is shown", async () => {
  const { held, time } = results([]);
  const scene = { kind: "lobby", wall: wall(), stream: null };
  held.of(scene);
  await time.pass(2_000);
  assert.equal(held.of(scene), null);
});

test("what the server put into the page is not asked for again at once", () => {
  const { held, asked } = results([], { results: over });
  assert.deepEqual(held.of({ kind: "lobby", wall: wall(), stream: null }), over);
  assert.deepEqual(asked, []);
});

test("it is asked again every ten seconds, and when the wall says something new", async () => {
  const { held, time, asked } = results([over, over, { over: false }]);
  const scene = { kind: "lobby", wall: wall(), stream: null };
  for (const seconds of [0, 3, 8]) {
    await time.pass(seconds * 1000);
    held.of(scene);
  }
  assert.equal(asked.length, 2);
  await settle();
  assert.deepEqual(held.of({ ...scene, wall: wall(["polls/A", "polls/B"]) }), over); // until it is known better
  await settle();
  assert.equal(held.of({ ...scene, wall: held.wall }), null);
});

test("the phones of a hall do not all ask in one moment, and then seldom", async () => {
  const { held, time, asked } = results([over, over, over], {}, { every: 60_000, spread: 3_000 });
  const counts = [];
  for (const seconds of [0, 1, 1, 58, 1]) {
    await time.pass(seconds * 1000);
    held.of({ kind: "lobby", wall: held.wall || wall(), stream: null });
    counts.push(asked.length);
  }
  assert.deepEqual(counts, [0, 0, 1, 1, 1]);
  await time.pass(1000);
  held.of({ kind: "lobby", wall: held.wall, stream: null });
  assert.equal(asked.length, 2);
  held.of({ kind: "lobby", wall: wall(["polls/B"]), stream: null });
  assert.equal(asked.length, 2);
  await time.pass(1500);
  held.of({ kind: "lobby", wall: held.wall, stream: null });
  assert.equal(asked.length, 3);
});

test("nothing is asked while an item is shown, on a wall without items, or for a draft", () => {
  const { held, asked } = results([]);
  for (const scene of [{ kind: "poll", wall: wall() }, { kind: "lobby", wall: wall([]) }, { kind: "lobby", wall: wall(), stream: "polls/A" }]) {
    assert.equal(held.of(scene), null);
  }
  assert.deepEqual(asked, []);
});

test("an answer that comes when something is shown again is dropped", async () => {
  const { held } = results([over, { over: false }]);
  held.of({ kind: "lobby", wall: wall(), stream: null });
  held.of({ kind: "poll", wall: wall() });
  await settle();
  assert.equal(held.found, null);
});

test("of many options those with the most ballots stay, in their order", () => {
  const rows = [4, 9, 1, 9, 4].map((count, index) => ({ count, number: index + 1 }));
  assert.deepEqual(mostChosen(rows, 3).map((row) => row.number), [1, 2, 4]);
  assert.equal(mostChosen(rows, 5), rows);
});

// -- the wake lock

function projector(refuse = false) {
  const listeners = [];
  const locks = [];
  const document = { visibilityState: "visible", addEventListener: (_, act) => listeners.push(act) };
  const wakeLock = {
    async request(kind) {
      assert.equal(kind, "screen");
      if (refuse) throw new Error("no");
      const lock = { release: null, addEventListener: (_, act) => { lock.release = act; } };
      locks.push(lock);
      return lock;
    },
  };
  const see = async (state) => {
    document.visibilityState = state;
    if (state === "hidden" && locks.length) locks[locks.length - 1].release();
    listeners.forEach((act) => act());
    await settle();
  };
  return { document, wakeLock, locks, see };
}

test("the screen is kept awake, and again each time the page is seen", async () => {
  const { document, wakeLock, locks, see } = projector();
  keepAwake({ wakeLock, document });
  await settle();
  assert.equal(locks.length, 1);
  await see("visible");
  assert.equal(locks.length, 1);
  await see("hidden");
  assert.equal(locks.length, 1);
  await see("visible");
  assert.equal(locks.length, 2);
});

test("a browser without it, or one that refuses, is left in peace", async () => {
  keepAwake({ wakeLock: undefined, document: {} });
  const { document, wakeLock, see, locks } = projector(true);
  keepAwake({ wakeLock, document });
  await see("visible");
  assert.equal(locks.length, 0);
});
