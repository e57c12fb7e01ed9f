import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inOrder, visibleQuestions } from "../../../static/js/question/order.js";

const vectors = JSON.parse(readFileSync(new URL("../../vectors/questions.json", import.meta.url), "utf8"));

test("questions are in the order of the vectors, to which the server is held, too", () => {
  for (const { name, questions, order } of vectors) {
    const given = questions.map(([n, state, votes]) => ({ n, state, votes }));
    assert.deepEqual(inOrder(given).map(({ n }) => n), order, name);
  }
});

test("the page shows what everyone sees, to hosts as well", () => {
  const values = Object.fromEntries(["hidden", "pending", "shown", "answered", "pinned"].map((state, n) => [`question/${n}`, { n, state, votes: 0 }]));
  assert.deepEqual(visibleQuestions({ questions: { open: true }, ...values }).map(({ n }) => n), [4, 2, 3]);
});
