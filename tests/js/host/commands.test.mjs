import assert from "node:assert/strict";
import { test } from "node:test";
import { acts, isShown } from "../../../static/js/host/commands.js";
import { changes, holds, same } from "../../../static/js/host/changes.js";
import { changed, choices, made, written } from "../../../static/js/host/pollfields.js";
import { KEYS, meaning, moves, step } from "../../../static/js/host/keys.js";
import { moved, neighbour, placeAt, watched } from "../../../static/js/host/order.js";
import { inWords, sentence } from "../../../static/js/host/changetext.js";
import { Texts } from "../../../static/js/ui/texts.js";

const poll = (more = {}) => ({
  id: "A", title: "T", kind: "single", options: [{ id: "1", label: "Yes" }, { id: "2", label: "No" }], phase: "draft",
  round: 1, results: "live", published: false, allow_change: true, max_choices: 1, closes_at: null, ...more,
});
const wall = (more = {}) => ({ code: "K7M2QD", title: "W", items: ["polls/A", "polls/B", "tasks/9"], active: null, ...more });

test("one forward key opens, closes and goes on", () => {
  const at = (active, phase) => step(wall({ active }), phase ? poll({ phase }) : null);
  assert.deepEqual(at(null), { do: "show", item: "polls/A", first: true });
  assert.deepEqual(at("polls/A", "draft"), { do: "open", item: "polls/A" });
  assert.deepEqual(at("polls/A", "open"), { do: "close", item: "polls/A" });
  assert.deepEqual(at("polls/A", "closed"), { do: "show", item: "polls/B", first: false });
  assert.deepEqual(at("tasks/9"), { do: "end" });
  assert.deepEqual(step(wall({ items: [] }), null), { do: "none" });
});

test("space, arrows and the keys of a presenter's remote mean the same", () => {
  assert.deepEqual([" ", "ArrowRight", "PageDown", "ArrowLeft", "PageUp", "r", "R", "f", "T", "N", "?", "x", "Enter"].map((key) => meaning({ key })),
    ["step", "step", "step", "previous", "previous", "results", "results", "full", "time", "next", "keys", null, null]);
});

test("a key in a field, with another, or held down means nothing", () => {
  assert.equal(meaning({ key: "r" }, { typing: true }), null);
  assert.equal(meaning({ key: "r", ctrlKey: true }), null);
  assert.equal(meaning({ key: "PageDown", repeat: true }), null);
});

test("a button keeps the space bar for itself and leaves the remote's keys to the page", () => {
  assert.equal(meaning({ key: " " }, { control: true }), null);
  assert.equal(meaning({ key: "PageDown" }, { control: true }), "step");
});

test("Alt and an arrow move an item; an arrow alone does not", () => {
  assert.deepEqual([moves({ key: "ArrowUp", altKey: true }), moves({ key: "ArrowDown", altKey: true }), moves({ key: "ArrowUp" })], [-1, 1, 0]);
});

test("no key has two meanings", () => {
  const names = KEYS.flatMap((key) => key.names);
  assert.equal(new Set(names).size, names.length);
});

test("a moved item stands where it was put and all others keep their order", () => {
  const items = ["a", "b", "c", "d"];
  assert.deepEqual(moved(items, "a", 2), ["b", "c", "a", "d"]);
  assert.deepEqual(moved(items, "d", 0), ["d", "a", "b", "c"]);
  assert.deepEqual(moved(items, "b", 99), ["a", "c", "d", "b"]);
  assert.deepEqual(moved(items, "b", -5), ["b", "a", "c", "d"]);
  assert.equal(moved(items, "x", 1), items);
});

test("a row falls before the first row whose middle it has not passed", () => {
  const middles = [10, 30, 50, 70];
  assert.deepEqual([5, 25, 45, 80].map((y) => placeAt(middles, 1, y)), [0, 1, 1, 3]);
});

test("there is no item before the first and none after the last", () => {
  const { items } = wall();
  assert.deepEqual([neighbour(items, "polls/A", -1), neighbour(items, "polls/A", 1), neighbour(items, "tasks/9", 1)], [null, "polls/B", null]);
  assert.deepEqual([neighbour(items, null, 1), neighbour(items, null, -1), neighbour([], null, 1)], ["polls/A", "tasks/9", null]);
});

test("where there are many items, the active one, the open ones and the nearest are followed", () => {
  const items = Array.from({ length: 40 }, (_, n) => `polls/${n}`);
  const chosen = watched({ items, active: "polls/20" }, (item) => (item === "polls/2" ? "open" : "draft"), 5);
  assert.deepEqual(chosen, ["polls/2", "polls/19", "polls/20", "polls/21", "polls/18"].sort((a, b) => items.indexOf(a) - items.indexOf(b)));
});

test("the result of an open poll is hidden for good by one act, and shown by another", () => {
  const shown = poll({ phase: "open", published: true });
  assert.deepEqual(acts.results(false)(shown).calls.map(({ method, body }) => [method, body]), [["PUT", { results: "on_publish" }], ["POST", { published: false }]]);
  assert.deepEqual(acts.results(true)(poll({ phase: "open", results: "on_publish" })).calls.map(({ path }) => path), ["/api/polls/A/publish"]);
  assert.equal(acts.results(true)(poll({ phase: "open" })), null);
});

test("a draft's result is shown or hidden by what it will be", () => {
  assert.deepEqual([isShown(poll()), isShown(poll({ results: "on_publish" })), isShown(poll({ results: "after_close", phase: "open" }))], [true, false, false]);
  assert.deepEqual(acts.results(true)(poll({ results: "on_publish" })).calls[0].body, { results: "live" });
});

test("what there is nothing to do about is no act", () => {
  assert.equal(acts.open(poll({ phase: "open" })), null);
  assert.equal(acts.open(poll({ phase: "closed", erased_at: "2026-01-01T00:00:00Z" })), null);
  assert.equal(acts.close(poll({ phase: "closed" })), null);
  assert.equal(acts.reset(1)(poll({ round: 2 })), null);
  assert.equal(acts.edit({})(poll()), null);
  assert.equal(acts.show("polls/Z")(wall()), null);
  assert.equal(acts.reorder((items) => items)(wall()), null);
});

test("ballots do not make a poll another one", () => {
  assert.ok(same(poll(), { ...poll(), tally: { ballots: 7 }, ballot: null, now: "x" }));
  assert.ok(!same(poll(), poll({ quorum: 5 })) && !same(poll({ quorum: 5 }), poll()));
});

test("what somebody else changed is told with what one's own act meant there", () => {
  const now = poll({ title: "Theirs", phase: "open", quorum: 9 });
  assert.deepEqual(changes(poll(), now, { title: "Mine" }), [
    { field: "title", before: "T", now: "Theirs", mine: "Mine" },
    { field: "phase", before: "draft", now: "open" },
    { field: "quorum", before: undefined, now: 9 },
  ]);
});

test("what is as it was wanted already is no conflict", () => {
  assert.ok(holds({ phase: "closed" }, poll({ phase: "closed" })));
  assert.ok(!holds({ phase: "closed" }, poll({ phase: "open" })) && !holds({}, poll()));
});

const texts = new Texts({
  "host.changed": "%(field)s: now %(now)s; it was %(before)s.", "host.changed_mine": "%(field)s: now %(now)s; yours was %(mine)s.",
  "host.field.title": "Title", "host.field.active": "On the screen", "host.empty": "nothing", "poll.phase.open": "open", "host.yes": "yes",
});
const tools = { texts, titleOf: (item) => `title of ${item}`, time: () => "12:00" };

test("a change is told in a sentence", () => {
  assert.equal(sentence({ field: "title", before: "T", now: "Theirs", mine: "Mine" }, tools), "Title: now “Theirs”; yours was “Mine”.");
  assert.equal(sentence({ field: "active", before: null, now: "polls/A" }, tools), "On the screen: now “title of polls/A”; it was nothing.");
  assert.deepEqual([inWords("phase", "open", tools), inWords("compare", true, tools), inWords("options", poll().options, tools)], ["open", "yes", "“Yes”, “No”"]);
});

test("a form that was not touched changes nothing", () => {
  const held = poll({ kind: "multi", max_choices: 2, quorum: 5, options: [{ id: "x", label: "A" }, { id: "y", label: "B" }, { id: "z", label: "None", abstain: true }] });
  assert.deepEqual(changed(written(held), held), {});
});

test("only what was changed is sent", () => {
  const held = poll({ quorum: 5 });
  assert.deepEqual(changed({ ...written(held), title: "New", quorum: "", majority: "2/3" }, held), { title: "New", quorum: null, majority: "2/3" });
  assert.deepEqual(changed({ ...written(held), kind: "multi", max_choices: "" }, held), { kind: "multi", max_choices: 2 });
});

test("as many options as before keep their ids, another number gets new ones", () => {
  const held = [{ id: "a", label: "A" }, { id: "n", label: "None", abstain: true }, { id: "b", label: "B" }];
  assert.deepEqual(choices({ options: " A2 \n\nB", abstain: "Nobody" }, held), [{ id: "a", label: "A2" }, { id: "b", label: "B" }, { id: "n", label: "Nobody", abstain: true }]);
  assert.deepEqual(choices({ options: "A\nB\nC", abstain: "None" }, held).map(({ id }) => id), [undefined, undefined, undefined, undefined]);
});

test("a new poll has what its form says", () => {
  const given = { ...written(), title: "Q", options: "A\nB\n", abstain: "Neither", kind: "multi", quorum: "12" };
  const fields = made(given, "K7M2QD");
  assert.deepEqual(fields.options, [{ label: "A" }, { label: "B" }, { label: "Neither", abstain: true }]);
  assert.deepEqual([fields.max_choices, fields.quorum, fields.majority, fields.closes_in, fields.wall], [2, 12, null, null, "K7M2QD"]);
});
