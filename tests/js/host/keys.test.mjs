import assert from "node:assert/strict";
import { test } from "node:test";
import { KEYS, actionOf, movement, nextStep } from "../../../static/js/host/keys.js";

const poll = (phase) => ({ id: "A", phase });
const wall = (more = {}) => ({ code: "K7M2QD", title: "W", items: ["polls/A", "polls/B", "tasks/9"], active: null, ...more });

test("one forward key opens, closes and goes on", () => {
  const at = (active, phase) => nextStep(wall({ active }), phase ? poll(phase) : null);
  assert.deepEqual(at(null), { do: "show", item: "polls/A", first: true });
  assert.deepEqual(at("polls/A", "draft"), { do: "open", item: "polls/A" });
  assert.deepEqual(at("polls/A", "open"), { do: "close", item: "polls/A" });
  assert.deepEqual(at("polls/A", "closed"), { do: "show", item: "polls/B", first: false });
  assert.deepEqual(at("tasks/9"), { do: "end" });
  assert.deepEqual(nextStep(wall({ items: [] }), null), { do: "none" });
});

test("space, arrows and the keys of a presenter's remote mean the same", () => {
  assert.deepEqual([" ", "ArrowRight", "PageDown", "ArrowLeft", "PageUp", "r", "R", "f", "T", "N", "?", "x", "Enter"].map((key) => actionOf({ key })),
    ["step", "step", "step", "previous", "previous", "results", "results", "full", "time", "next", "keys", null, null]);
});

test("a key in a field, with another, or held down means nothing", () => {
  assert.equal(actionOf({ key: "r" }, { typing: true }), null);
  assert.equal(actionOf({ key: "r", ctrlKey: true }), null);
  assert.equal(actionOf({ key: "PageDown", repeat: true }), null);
});

test("a button keeps the space bar for itself and leaves the remote's keys to the page", () => {
  assert.equal(actionOf({ key: " " }, { control: true }), null);
  assert.equal(actionOf({ key: "PageDown" }, { control: true }), "step");
});

test("Alt and an arrow move an item; an arrow alone does not", () => {
  assert.deepEqual([movement({ key: "ArrowUp", altKey: true }), movement({ key: "ArrowDown", altKey: true }), movement({ key: "ArrowUp" })], [-1, 1, 0]);
});

test("no key has two meanings", () => {
  const names = KEYS.flatMap((key) => key.names);
  assert.equal(new Set(names).size, names.length);
});
