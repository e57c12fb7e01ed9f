import assert from "node:assert/strict";
import { test } from "node:test";
import { cellSize, hostCells, largestCells } from "../../../static/js/task/hostcells.js";
import { nextCell } from "../../../static/js/task/hostwalk.js";

for (const waves of [[1], [1, 2], [10, 50, 140], Array(200).fill(1), [1000]]) {
  test(`${waves.length} waves of ${waves.reduce((a, b) => a + b)} hosts: no two cells overlap, and none stands outside`, () => {
    const { size, cells, runs, height } = hostCells(waves);
    assert.deepEqual(waves, waves.map((_hosts, wave) => cells.filter((cell) => cell.wave === wave + 1).length));
    const places = new Set(cells.map(({ x, y }) => `${x.toFixed(3)} ${y.toFixed(3)}`));
    assert.equal(places.size, cells.length);
    assert.ok(cells.every(({ x, y }) => x >= 0 && x + size <= 174.01 && y >= 0 && y + size <= height + 0.01));
    for (const { wave, x, y, width } of runs) {
      const inside = cells.filter((cell) => cell.y === y && cell.x >= x - 0.01 && cell.x + size <= x + width + 0.01);
      assert.ok(inside.length > 0 && inside.every((cell) => cell.wave === wave));
    }
  });
}

test("the more hosts, the smaller the cells", () => {
  const sizes = [3, 20, 60, 100, 200, 400, 1000].map(cellSize);
  assert.deepEqual(sizes, [...sizes].sort((a, b) => b - a));
});

test("cells fill a field and no more", () => {
  const size = largestCells([10, 190], { width: 800, height: 400 }, 100);
  assert.ok(hostCells([10, 190], 800, size).height <= 400 && size > 30);
  assert.equal(largestCells([3], { width: 800, height: 400 }, 60), 60);
});

test("arrow keys lead to the neighbours, and stay at an end", () => {
  const cells = [0, 1, 2, 3, 4, 5, 6].map((index) => ({ x: (index % 3) * 10, y: Math.floor(index / 3) * 10 }));
  const leads = (from, key) => nextCell(cells, from, key);
  assert.deepEqual(["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"].map((key) => leads(4, key)), [5, 3, 6, 1, 0, 6]);
  assert.deepEqual([leads(0, "ArrowLeft"), leads(6, "ArrowRight"), leads(6, "ArrowDown"), leads(1, "ArrowUp")], [0, 6, 6, 1]);
  assert.equal(leads(2, "a"), null);
});
