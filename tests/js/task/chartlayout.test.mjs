import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BOX, centerCamera, clampCamera, edgeState, fitCamera, linePath, neighborStep, revealNode, structureKey, zoomCamera,
} from "../../../static/js/task/chartlayout.js";
import { LAYOUT } from "../chart.mjs";

test("arrow keys lead along the lines and within a column", () => {
  assert.equal(neighborStep(LAYOUT, "a", "ArrowRight"), "b");
  assert.equal(neighborStep(LAYOUT, "b", "ArrowDown"), "c");
  assert.equal(neighborStep(LAYOUT, "c", "ArrowUp"), "b");
  assert.equal(neighborStep(LAYOUT, "d", "ArrowLeft"), "b");
  assert.equal(neighborStep(LAYOUT, "a", "ArrowLeft"), null);
  assert.equal(neighborStep(LAYOUT, "a", "Enter"), null);
});

test("lines are horizontal at both ends", () => {
  assert.equal(linePath([[0, 10], [84, 10]]), "M0 10H84");
  assert.equal(linePath([[0, 10], [84, 60.25]]), "M0 10C42 10 42 60.3 84 60.3");
});

test("a chart is fitted and kept in its window, and a zoom keeps its point", () => {
  const view = { width: 800, height: 300 };
  const camera = fitCamera(LAYOUT, view);
  assert.ok(camera.scale <= 1.25 && LAYOUT.width * camera.scale <= 800);
  assert.deepEqual(clampCamera({ ...camera, x: 9_999, y: -9_999 }, LAYOUT, view), camera);
  const close = zoomCamera(camera, 3, { x: 400, y: 150 });
  const point = (c) => [(400 - c.x) / c.scale, (150 - c.y) / c.scale].map(Math.round);
  assert.deepEqual(point(close), point(camera));
  const seen = revealNode(clampCamera({ scale: 3, x: 0, y: 0 }, LAYOUT, view), LAYOUT.nodes[3], view);
  const right = (LAYOUT.nodes[3].x + BOX.width) * 3 + seen.x;
  assert.ok(right <= 800 && right >= 600);
  const middle = centerCamera({ scale: 1, x: 0, y: 0 }, LAYOUT.nodes[0], view);
  assert.deepEqual([middle.x, middle.y], [300, 54]);
});

test("a structure consists of names and needs, in any order", () => {
  const a = { name: "a", needs: [] };
  const b = { name: "b", needs: ["a", "c"] };
  assert.equal(structureKey([a, b]), structureKey([{ ...b, needs: ["c", "a"] }, a]));
  assert.notEqual(structureKey([a, b]), structureKey([a, { ...b, needs: ["a"] }]));
});

test("edges follow the states of their steps", () => {
  assert.deepEqual(["succeeded", "pending"].map((from) => edgeState(from, "pending")), ["done", "ahead"]);
  assert.equal(edgeState("succeeded", "running"), "live");
});
