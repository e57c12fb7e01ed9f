import assert from "node:assert/strict";
import { test } from "node:test";
import { cellSize, listedSteps, posterLayout, stateCounts } from "../../../static/js/wall/posterlayout.js";
import { LAYOUT } from "../chart.mjs";

test("on a poster boxes fill the stage, stay inside it and do not overlap", () => {
  for (const view of [{ width: 1_400, height: 780 }, { width: 900, height: 1_500 }]) {
    const poster = posterLayout(LAYOUT, view, { unit: 19.2, least: 21 });
    assert.ok(poster.font >= 21);
    for (const node of poster.nodes) {
      assert.ok(node.x >= -0.01 && node.x + poster.width <= view.width + 0.01, JSON.stringify([node, poster.width]));
      assert.ok(node.y >= -0.01 && node.y + poster.height <= view.height + 0.01);
    }
    for (const [index, one] of poster.nodes.entries()) {
      for (const other of poster.nodes.slice(index + 1)) {
        assert.ok(Math.abs(one.x - other.x) >= poster.width || Math.abs(one.y - other.y) >= poster.height);
      }
    }
  }
});

test("a long chain runs from top to bottom, and a wide field of steps has no layout", () => {
  const chain = {
    width: 9 * 284 - 84, height: 80,
    nodes: Array.from({ length: 9 }, (_, i) => ({ name: `step-${i}`, x: i * 284, y: 0 })),
    edges: Array.from({ length: 8 }, (_, i) => ({ from: `step-${i}`, to: `step-${i + 1}`, points: [[i * 284 + 200, 40], [(i + 1) * 284, 40]] })),
  };
  const poster = posterLayout(chain, { width: 1_400, height: 780 }, { unit: 19.2, least: 21 });
  assert.equal(new Set(poster.nodes.map((node) => Math.round(node.x))).size, 1);
  assert.match(poster.edges[0].d, /^M[\d.]+ [\d.]+V[\d.]+$/);
  const field = { width: 25 * 284, height: 20 * 112, edges: [],
    nodes: Array.from({ length: 500 }, (_, i) => ({ name: `step-${i}`, x: Math.floor(i / 20) * 284, y: (i % 20) * 112 })) };
  assert.equal(posterLayout(field, { width: 1_400, height: 780 }, { unit: 19.2, least: 21 }), null);
});

test("cells fit into their field, urgent steps have a line, and the others are counted", () => {
  const size = cellSize(500, { width: 1_400, height: 350 }, 60);
  assert.ok(Math.floor(1_400 / size) * Math.floor(350 / size) >= 500 && size > 20);
  const steps = [{ state: "running" }, { state: "failed" }, { state: "succeeded", ended_at: "2" }, { state: "pending" }, { state: "lost" }];
  assert.deepEqual(listedSteps(steps, 9).shown.map((step) => step.state), ["failed", "lost", "running", "succeeded"]);
  const many = listedSteps(Array.from({ length: 30 }, () => ({ state: "failed" })), 10);
  assert.deepEqual([many.shown.length, many.more], [9, 21]);
  assert.deepEqual(stateCounts(steps).map(([state]) => state), ["failed", "lost", "running", "pending", "succeeded"]);
});
