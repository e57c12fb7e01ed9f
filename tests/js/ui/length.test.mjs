import assert from "node:assert/strict";
import { test } from "node:test";
import { lengthClass, shorten } from "../../../static/js/ui/length.js";

test("a longer title has another class, and wide letters count twice", () => {
  assert.deepEqual(["a".repeat(60), "a".repeat(61), "a".repeat(300), "周".repeat(40)].map(lengthClass), ["short", "medium", "endless", "medium"]);
});

test("long names are cut, wide letters count twice", () => {
  assert.equal(shorten("a".repeat(80), 17), `${"a".repeat(16)}…`);
  assert.equal(shorten("漢字漢字", 6), "漢字…");
  assert.equal(shorten("short", 17), "short");
});
