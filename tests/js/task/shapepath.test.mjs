import assert from "node:assert/strict";
import { test } from "node:test";
import { placedPath } from "../../../static/js/task/shapepath.js";
import { SHAPES } from "../../../static/js/task/states.js";

test("a shape is scaled and moved", () => {
  assert.equal(placedPath("M4 4l10 10M14 4L4 14", 100, 50, 0.5), "M102 52l5 5M107 52L102 57");
  assert.equal(placedPath("M9 2.5a6.5 6.5 0 1 1-6.5 6.5", 0, 10, 2), "M18 15a13 13 0 1 1 -13 13");
  assert.equal(placedPath("M6 4v10M12 4V5H8.5z", 1, 2, 2), "M13 10v20M25 10V12H18z");
});

test("at its own place and size every shape is what it was", () => {
  const numbers = (path) => path.match(/[a-zA-Z]|-?(?:\d+\.?\d*|\.\d+)/g).join(" ");
  for (const path of Object.values(SHAPES)) assert.equal(numbers(placedPath(path, 0, 0, 1)), numbers(path));
});
