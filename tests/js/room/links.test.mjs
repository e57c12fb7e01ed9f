import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pieces } from "../../../static/js/room/links.js";

const vectors = JSON.parse(readFileSync(new URL("../../vectors/links.json", import.meta.url), "utf8"));

test("an address becomes a link only where it leads where it seems to lead", () => {
  for (const [text, wanted] of vectors) {
    assert.deepEqual(pieces(text).map((piece) => [piece.text, piece.linked]), wanted, JSON.stringify(text));
  }
});

test("an endless address is no link", () => {
  assert.equal(pieces(`https://example.org/${"a".repeat(2000)}`).some((piece) => piece.linked), false);
});
