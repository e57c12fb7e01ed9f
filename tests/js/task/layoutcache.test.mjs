import assert from "node:assert/strict";
import { test } from "node:test";
import { LayoutCache } from "../../../static/js/task/layoutcache.js";
import { FakeTime, settle } from "../fakes.mjs";

const STEPS = [{ name: "a", needs: [] }, { name: "b", needs: ["a"] }];
const MORE = [...STEPS, { name: "c", needs: ["b"] }];

function layouts(answers = []) {
  const time = new FakeTime();
  const asked = [];
  let drawn = 0;
  const fetch = async (address) => {
    asked.push(address);
    const given = answers.shift();
    if (!given) throw new TypeError("no network");
    return { ok: true, json: async () => given };
  };
  const cache = new LayoutCache({ env: time.env({ fetch }), redraw: () => { drawn += 1; } });
  return { cache, time, asked, drawn: () => drawn };
}

test("the page's own layout is used for its structure, whatever the states", () => {
  const { cache, asked } = layouts();
  cache.set("tasks/9", STEPS, { nodes: [] });
  assert.deepEqual(cache.get("tasks/9", STEPS.map((step) => ({ ...step, state: "failed" }))), { nodes: [] });
  assert.equal(asked.length, 0);
});

test("another structure is fetched once, and drawn when it arrives", async () => {
  const { cache, asked, drawn } = layouts([{ steps: MORE, layout: { nodes: ["c"] } }]);
  cache.set("tasks/9", STEPS, { nodes: [] });
  assert.equal(cache.get("tasks/9", MORE), null);
  assert.equal(cache.get("tasks/9", MORE), null);
  await settle();
  assert.deepEqual(asked, ["/api/tasks/9"]);
  assert.equal(drawn(), 1);
  assert.deepEqual(cache.get("tasks/9", MORE), { nodes: ["c"] });
});

test("another task of a wall has a layout of its own", async () => {
  const { cache, asked } = layouts([{ steps: STEPS, layout: { nodes: [1] } }]);
  cache.set("tasks/9", STEPS, { nodes: [] });
  assert.equal(cache.get("tasks/10", STEPS), null);
  await settle();
  assert.deepEqual([asked, cache.get("tasks/10", STEPS)], [["/api/tasks/10"], { nodes: [1] }]);
});

test("a request without an answer is repeated a little later", async () => {
  const { cache, time, asked, drawn } = layouts();
  cache.get("tasks/9", STEPS);
  await settle();
  assert.equal(drawn(), 0);
  await time.pass(4_000);
  assert.equal(drawn(), 1);
  cache.get("tasks/9", STEPS);
  assert.equal(asked.length, 2);
});
