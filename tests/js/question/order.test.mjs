import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { inOrder } from "../../../static/js/question/order.js";

const vectors = JSON.parse(readFileSync(new URL("../../vectors/questions.json", import.meta.url), "utf8"));

for (const { name, questions, order } of vectors) {
  test(`questions in order, as the server's: ${name}`, () => {
    const given = questions.map(([n, state, votes]) => ({ n, state, votes }));
    assert.deepEqual(inOrder(given).map(({ n }) => n), order);
  });
}
