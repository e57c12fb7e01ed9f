import assert from "node:assert/strict";
import { test } from "node:test";
import { Layouts } from "../../../static/js/task/layoutcache.js";
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
  const made = new Layouts({ env: time.env({ fetch }), redraw: () => { drawn += 1; } });
  return { made, time, asked, drawn: () => drawn };
}

test("the page's own layout is used for its structure, whatever the states", () => {
  const { made, asked } = layouts();
  made.know("tasks/9", STEPS, { nodes: [] });
  assert.deepEqual(made.of("tasks/9", STEPS.map((step) => ({ ...step, state: "failed" }))), { nodes: [] });
  assert.equal(asked.length, 0);
});

test("another structure is asked for once, and drawn when it is there", async () => {
  const { made, asked, drawn } = layouts([{ steps: MORE, layout: { nodes: ["c"] } }]);
  made.know("tasks/9", STEPS, { nodes: [] });
  assert.equal(made.of("tasks/9", MORE), null);
  assert.equal(made.of("tasks/9", MORE), null);
  await settle();
  assert.deepEqual(asked, ["/api/tasks/9"]);
  assert.equal(drawn(), 1);
  assert.deepEqual(made.of("tasks/9", MORE), { nodes: ["c"] });
});

test("another task of a wall has a layout of its own", async () => {
  const { made, asked } = layouts([{ steps: STEPS, layout: { nodes: [1] } }]);
  made.know("tasks/9", STEPS, { nodes: [] });
  assert.equal(made.of("tasks/10", STEPS), null);
  await settle();
  assert.deepEqual([asked, made.of("tasks/10", STEPS)], [["/api/tasks/10"], { nodes: [1] }]);
});

test("what was not answered is asked again a little later", async () => {
  const { made, time, asked, drawn } = layouts();
  made.of("tasks/9", STEPS);
  await settle();
  assert.equal(drawn(), 0);
  await time.pass(4_000);
  assert.equal(drawn(), 1);
  made.of("tasks/9", STEPS);
  assert.equal(asked.length, 2);
});
