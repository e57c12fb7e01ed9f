import assert from "node:assert/strict";
import { test } from "node:test";
import { classesOf, findMatches, markMatches, spansOf, visibleText } from "../../../static/js/log/linetext.js";

test("the visible text of a line is the one the server worked out, else its text", () => {
  assert.equal(visibleText({ text: "10%\r20%", shown: "20%" }), "20%");
  assert.equal(visibleText({ text: "\x1b[2K", shown: "" }), "");
  assert.equal(visibleText({ text: "plain" }), "plain");
  assert.deepEqual(spansOf({ text: "a", shown: "a", spans: [["a", "ink1"]] }), [["a", "ink1"]]);
  assert.deepEqual(spansOf({ text: "a" }), [["a", ""]]);
});

test("a style has a class for each of its names", () => {
  assert.equal(classesOf("ink1 ground7 bold"), "a-ink1 a-ground7 a-bold");
  assert.equal(classesOf(""), "");
});

test("a search finds text in any case and any Unicode form", () => {
  assert.deepEqual(findMatches("Error: an ERROR", "error"), [[0, 5], [10, 15]]);
  assert.deepEqual(findMatches("die Straße", "STRASSE"), [[4, 10]]);
  assert.deepEqual(findMatches("cafe\u0301 au lait", "caf\u00e9"), [[0, 5]]);
  assert.deepEqual(findMatches("\ufb01le", "file"), [[0, 3]]);
  assert.deepEqual(findMatches("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3"), [[0, 7]]);
  assert.deepEqual(findMatches("\u{1F44D} x", "x"), [[3, 4]]);
  assert.deepEqual(findMatches("abc", "d"), []);
  assert.deepEqual(findMatches("abc", ""), []);
});

test("a match may reach over several spans", () => {
  const pieces = [["err", "ink1"], ["or: x", ""]];
  assert.deepEqual(markMatches(pieces, findMatches("error: x", "ror:")), [
    ["er", "ink1", false], ["r", "ink1", true], ["or:", "", true], [" x", "", false],
  ]);
  assert.deepEqual(markMatches(pieces, []), [["err", "ink1", false], ["or: x", "", false]]);
});
