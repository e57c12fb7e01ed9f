import assert from "node:assert/strict";
import { test } from "node:test";
import { BOX, centred, edgeState, fit, held, neighbour, path, revealing, shortened, structureOf, zoomed } from "../../../static/js/task/chartlayout.js";
import { arrange, cellSize, countsOf, worthALine } from "../../../static/js/wall/posterlayout.js";
import { fits, grouped, groupOf, together } from "../../../static/js/task/groups.js";
import { expected, forecast, shareOf, spent } from "../../../static/js/task/timing.js";

const LAYOUT = {
  width: 768, height: 192,
  nodes: [{ name: "a", x: 0, y: 56 }, { name: "b", x: 284, y: 0 }, { name: "c", x: 284, y: 112 }, { name: "d", x: 568, y: 56 }],
  edges: [
    { from: "a", to: "b", points: [[200, 96], [284, 40]] }, { from: "a", to: "c", points: [[200, 96], [284, 152]] },
    { from: "b", to: "d", points: [[484, 40], [568, 96]] }, { from: "c", to: "d", points: [[484, 152], [568, 96]] },
  ],
};

test("arrow keys lead along the lines and within a column", () => {
  assert.equal(neighbour(LAYOUT, "a", "ArrowRight"), "b");
  assert.equal(neighbour(LAYOUT, "b", "ArrowDown"), "c");
  assert.equal(neighbour(LAYOUT, "c", "ArrowUp"), "b");
  assert.equal(neighbour(LAYOUT, "d", "ArrowLeft"), "b");
  assert.equal(neighbour(LAYOUT, "a", "ArrowLeft"), null);
  assert.equal(neighbour(LAYOUT, "a", "Enter"), null);
});

test("lines leave and arrive level", () => {
  assert.equal(path([[0, 10], [84, 10]]), "M0 10H84");
  assert.equal(path([[0, 10], [84, 60.25]]), "M0 10C42 10 42 60.3 84 60.3");
});

test("a chart is fitted and kept in its window, and a zoom keeps its point", () => {
  const view = { width: 800, height: 300 };
  const camera = fit(LAYOUT, view);
  assert.ok(camera.scale <= 1.25 && LAYOUT.width * camera.scale <= 800);
  assert.deepEqual(held({ ...camera, x: 9_999, y: -9_999 }, LAYOUT, view), camera);
  const close = zoomed(camera, 3, { x: 400, y: 150 });
  const point = (c) => [(400 - c.x) / c.scale, (150 - c.y) / c.scale].map(Math.round);
  assert.deepEqual(point(close), point(camera));
  const seen = revealing(held({ scale: 3, x: 0, y: 0 }, LAYOUT, view), LAYOUT.nodes[3], view);
  const right = (LAYOUT.nodes[3].x + BOX.width) * 3 + seen.x;
  assert.ok(right <= 800 && right >= 600);
  const middle = centred({ scale: 1, x: 0, y: 0 }, LAYOUT.nodes[0], view);
  assert.deepEqual([middle.x, middle.y], [300, 54]);
});

test("a structure is names and needs, in any order", () => {
  const a = { name: "a", needs: [] };
  const b = { name: "b", needs: ["a", "c"] };
  assert.equal(structureOf([a, b]), structureOf([{ ...b, needs: ["c", "a"] }, a]));
  assert.notEqual(structureOf([a, b]), structureOf([a, { ...b, needs: ["a"] }]));
});

test("long names are cut, wide letters count twice", () => {
  assert.equal(shortened("a".repeat(80), 17), `${"a".repeat(16)}…`);
  assert.equal(shortened("漢字漢字", 6), "漢字…");
  assert.equal(shortened("short", 17), "short");
});

test("edges follow the states of their steps", () => {
  assert.deepEqual(["succeeded", "pending"].map((from) => edgeState(from, "pending")), ["done", "ahead"]);
  assert.equal(edgeState("succeeded", "running"), "live");
});

test("on a poster boxes fill the stage, stay inside it and do not overlap", () => {
  for (const view of [{ width: 1_400, height: 780 }, { width: 900, height: 1_500 }]) {
    const made = arrange(LAYOUT, view, { unit: 19.2, least: 21 });
    assert.ok(made.font >= 21);
    for (const node of made.nodes) {
      assert.ok(node.x >= -0.01 && node.x + made.width <= view.width + 0.01, JSON.stringify([node, made.width]));
      assert.ok(node.y >= -0.01 && node.y + made.height <= view.height + 0.01);
    }
    for (const [index, one] of made.nodes.entries()) {
      for (const other of made.nodes.slice(index + 1)) {
        assert.ok(Math.abs(one.x - other.x) >= made.width || Math.abs(one.y - other.y) >= made.height);
      }
    }
  }
});

test("a long chain stands from top to bottom, a wide field of steps not at all", () => {
  const chain = {
    width: 9 * 284 - 84, height: 80,
    nodes: Array.from({ length: 9 }, (_, i) => ({ name: `step-${i}`, x: i * 284, y: 0 })),
    edges: Array.from({ length: 8 }, (_, i) => ({ from: `step-${i}`, to: `step-${i + 1}`, points: [[i * 284 + 200, 40], [(i + 1) * 284, 40]] })),
  };
  const made = arrange(chain, { width: 1_400, height: 780 }, { unit: 19.2, least: 21 });
  assert.equal(new Set(made.nodes.map((node) => Math.round(node.x))).size, 1);
  assert.match(made.edges[0].d, /^M[\d.]+ [\d.]+V[\d.]+$/);
  const field = { width: 25 * 284, height: 20 * 112, edges: [],
    nodes: Array.from({ length: 500 }, (_, i) => ({ name: `step-${i}`, x: Math.floor(i / 20) * 284, y: (i % 20) * 112 })) };
  assert.equal(arrange(field, { width: 1_400, height: 780 }, { unit: 19.2, least: 21 }), null);
});

test("cells fit their field; what matters has a line, what is left out is counted", () => {
  const size = cellSize(500, { width: 1_400, height: 350 }, 60);
  assert.ok(Math.floor(1_400 / size) * Math.floor(350 / size) >= 500 && size > 20);
  const steps = [{ state: "running" }, { state: "failed" }, { state: "succeeded", ended_at: "2" }, { state: "pending" }, { state: "lost" }];
  assert.deepEqual(worthALine(steps, 9).shown.map((step) => step.state), ["failed", "lost", "running", "succeeded"]);
  const many = worthALine(Array.from({ length: 30 }, () => ({ state: "failed" })), 10);
  assert.deepEqual([many.shown.length, many.more], [9, 21]);
  assert.deepEqual(countsOf(steps).map(([state]) => state), ["failed", "lost", "running", "pending", "succeeded"]);
});

const task = (id, state, more = {}) => ({ id, state, title: `Task ${id}`, pipeline: null, created_at: `2026-01-01T00:00:0${id}Z`, ended_at: null, ...more });

test("tasks stand in three groups, filtered as the server filters", () => {
  const tasks = [task("1", "succeeded", { ended_at: "2" }), task("2", "running"), task("3", "pending"), task("4", "failed", { ended_at: "3" }), task("5", "cancelling")];
  const groups = grouped(tasks, {});
  assert.deepEqual(Object.values(groups).map((list) => list.map(({ id }) => id)), [["2", "5"], ["3"], ["4", "1"]]);
  assert.deepEqual(grouped(tasks, { state: "failed" }).ended.map(({ id }) => id), ["4"]);
  assert.equal(fits(tasks[0], { q: "TASK" }) && fits(tasks[0], { q: "1" }) && !fits(tasks[0], { q: "2" }), true);
  assert.equal(groupOf({ state: "waiting" }), "waiting");
});

test("the stream knows better than what was fetched", () => {
  const older = new Map([["1", task("1", "running")], ["9", task("9", "succeeded")]]);
  const all = together({ "task/1": task("1", "failed") }, older);
  assert.deepEqual(all.map(({ id, state }) => [id, state]), [["1", "failed"], ["9", "succeeded"]]);
});

test("what may be said of the end", () => {
  const texts = { say: (key, values = {}) => [key, ...Object.values(values)].join(" ") };
  const now = Date.parse("2026-01-01T00:01:00Z");
  assert.equal(expected({ state: "running", eta: null }, now, texts), "task.no_estimate");
  assert.equal(expected({ state: "running", eta: "2026-01-01T00:03:40Z" }, now, texts), "task.left 2:40");
  assert.equal(expected({ state: "running", eta: "2026-01-01T00:00:30Z" }, now, texts), "task.overdue 0:30");
  assert.equal(expected({ state: "failed", eta: null }, now, texts), "");
  assert.equal(forecast({ state: "lost", eta: "2026-01-01T00:00:30Z" }, now).kind, "ended");
  assert.equal(spent({ started_at: "2026-01-01T00:00:00Z", ended_at: null }, now), 60_000);
});

test("a step is as far as it says, else as its time tells, but never at its end before it is", () => {
  const now = Date.parse("2026-01-01T00:01:00Z");
  const step = { state: "running", started_at: "2026-01-01T00:00:00Z", eta: "2026-01-01T00:02:00Z", progress: null };
  assert.equal(shareOf({ ...step, progress: 0.4 }, now), 0.4);
  assert.equal(shareOf(step, now), 0.5);
  assert.equal(shareOf(step, now + 600_000), 0.97);
  assert.equal(shareOf({ ...step, eta: null }, now), 0);
  assert.equal(shareOf({ ...step, state: "succeeded", ended_at: step.eta }, now), 0);
});
