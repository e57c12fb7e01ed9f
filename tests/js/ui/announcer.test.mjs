import assert from "node:assert/strict";
import { test } from "node:test";

import { Announcer } from "../../../static/js/ui/announcer.js";
import { FakeTime } from "../fakes.mjs";

/** An announcer, and what a screen reader would read out of it, with its times in seconds. */
function listening() {
  const time = new FakeTime();
  const spoken = [];
  const element = { set textContent(text) { spoken.push([time.time / 1000, text]); } };
  return { time, spoken, announcer: new Announcer(element, time.env()) };
}

test("while votes come in, the newest count is announced every 15 seconds, and the final one at the end", async () => {
  const { time, spoken, announcer } = listening();
  for (let ballots = 0; ballots <= 600; ballots += 1) {
    announcer.announceLater(`${ballots} ballots`);
    await time.pass(100);
  }
  await time.pass(60_000);
  assert.deepEqual(spoken.map(([at]) => at), [15, 30, 45, 60, 75]);
  assert.equal(spoken.at(-1)[1], "600 ballots");
});

test("the state in which the page opens is not announced", async () => {
  const { time, spoken, announcer } = listening();
  announcer.announceLater("7 ballots");
  announcer.announceLater("7 ballots");
  await time.pass(60_000);
  assert.deepEqual(spoken, []);
});

test("after a pause a vote is announced at once", async () => {
  const { time, spoken, announcer } = listening();
  announcer.announceLater("0 ballots");
  await time.pass(40_000);
  announcer.announceLater("1 ballot");
  await time.pass(0);
  assert.deepEqual(spoken, [[40, "1 ballot"]]);
});

test("an event is announced at once and once, and again when it is repeated", () => {
  const { spoken, announcer } = listening();
  announcer.announce("Your ballot is in.");
  announcer.announce("Your ballot is in.");
  assert.equal(spoken.length, 1);
  announcer.repeat("Choose at most 2.");
  announcer.repeat("Choose at most 2.");
  assert.equal(spoken.length, 3);
  assert.notEqual(spoken[1][1], spoken[2][1]);
});
