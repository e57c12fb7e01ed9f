import assert from "node:assert/strict";
import { test } from "node:test";
import { classes, cut, parts, places, seen } from "../../../static/js/log/linetext.js";

test("what is seen of a line is what the server made out, else its text", () => {
  assert.equal(seen({ text: "10%\r20%", shown: "20%" }), "20%");
  assert.equal(seen({ text: "\x1b[2K", shown: "" }), "");
  assert.equal(seen({ text: "plain" }), "plain");
  assert.deepEqual(parts({ text: "a", shown: "a", spans: [["a", "ink1"]] }), [["a", "ink1"]]);
  assert.deepEqual(parts({ text: "a" }), [["a", ""]]);
});

test("a look has a class for each of its names", () => {
  assert.equal(classes("ink1 ground7 bold"), "a-ink1 a-ground7 a-bold");
  assert.equal(classes(""), "");
});

test("what is searched for is marked whatever its case and its Unicode form", () => {
  assert.deepEqual(places("Error: an ERROR", "error"), [[0, 5], [10, 15]]);
  assert.deepEqual(places("die Straße", "STRASSE"), [[4, 10]]);
  assert.deepEqual(places("cafe\u0301 au lait", "caf\u00e9"), [[0, 5]]);
  assert.deepEqual(places("\ufb01le", "file"), [[0, 3]]);
  assert.deepEqual(places("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3"), [[0, 7]]);
  assert.deepEqual(places("\u{1F44D} x", "x"), [[3, 4]]);
  assert.deepEqual(places("abc", "d"), []);
  assert.deepEqual(places("abc", ""), []);
});

test("a mark may lie over several parts", () => {
  const pieces = [["err", "ink1"], ["or: x", ""]];
  assert.deepEqual(cut(pieces, places("error: x", "ror:")), [
    ["er", "ink1", false], ["r", "ink1", true], ["or:", "", true], [" x", "", false],
  ]);
  assert.deepEqual(cut(pieces, []), [["err", "ink1", false], ["or: x", "", false]]);
});
