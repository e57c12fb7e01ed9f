import assert from "node:assert/strict";
import { test } from "node:test";
import { continues, excerpt } from "../../../static/js/room/groups.js";
import { Messages, newerVersion } from "../../../static/js/room/messages.js";

const said = (n, more = {}) => ({ n, id: `i${n}`, from: "a", name: "Ann", role: "", text: `text ${n}`, at: "2026-11-30T12:00:00.000Z", ...more });
const values = (...list) => Object.fromEntries(list.map((message) => [`message/${message.n}`, message]));

test("messages of one author stand together for five minutes of one day", () => {
  const first = said(1);
  assert.equal(continues(undefined, first), false);
  assert.equal(continues(first, said(2, { at: "2026-11-30T12:04:59.000Z" })), true);
  assert.equal(continues(first, said(2, { at: "2026-11-30T12:05:00.000Z" })), false);
  assert.equal(continues(first, said(2, { from: "b" })), false);
  assert.equal(continues(first, said(2, { name: "Anna" })), false);
  assert.equal(continues({ n: 1, withdrawn: "host", at: first.at }, said(2)), false);
});

test("an excerpt is one line of at most a hundred characters", () => {
  assert.equal(excerpt(" a\n\n b "), "a b");
  assert.equal([...excerpt("😀".repeat(200))].length, 100);
});

test("the newer version wins, whichever comes first", () => {
  const first = said(3);
  const edited = said(3, { text: "b", edited_at: "2026-11-30T12:01:00.000Z" });
  const again = said(3, { text: "c", edited_at: "2026-11-30T12:02:00.000Z" });
  const gone = { n: 3, withdrawn: "author", at: first.at };
  for (const order of [[first, edited, again, gone], [gone, again, edited, first], [again, gone, first, edited]]) {
    assert.equal(order.reduce((held, given) => newerVersion(held, given), undefined), gone);
  }
  assert.equal([edited, again, first].reduce((held, given) => newerVersion(held, given), undefined), again);
});

test("what is missing of a range is named, from its end", () => {
  const messages = new Messages();
  messages.takeValues(values(said(100), said(101)));
  assert.deepEqual(messages.missing(100, 101), null);
  assert.deepEqual(messages.missing(50, 101), { first: 50, last: 99 });
  assert.deepEqual(messages.missing(1, 101, 20), { first: 80, last: 99 });
  messages.add([said(90)]);
  assert.deepEqual(messages.missing(50, 99), { first: 91, last: 99 });
});

test("another room of the same name takes the place of the one before", () => {
  const messages = new Messages();
  assert.equal(messages.takeValues(values(said(1), said(2))), false);
  assert.equal(messages.takeValues(values(said(1, { at: "2026-11-30T13:00:00.000Z" }))), true);
  assert.deepEqual([messages.count, messages.get(2)], [1, undefined]);
});

test("a long history does not fill the memory", () => {
  const messages = new Messages();
  for (let n = 1; n <= 10_000; n += 1) messages.add([said(n)]);
  messages.evict(9_900, 10_000);
  assert.ok(messages.held.size <= 2_000);
  assert.deepEqual(messages.missing(9_500, 10_000), null);
  assert.equal(messages.count, 10_000);
});
