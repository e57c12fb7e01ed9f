import assert from "node:assert/strict";
import { test } from "node:test";
import { PreviousRound } from "../../../static/js/poll/previousround.js";
import { FakeTime, settle } from "../fakes.mjs";

const poll = (more = {}) => ({ id: "A", phase: "open", round: 1, options: [], ...more });
const tally = (ballots, round) => ({ round, counts: {}, ballots });

function previousRound(answers, options = {}) {
  const time = new FakeTime();
  const asked = [];
  let drawn = 0;
  const fetch = async (address) => {
    asked.push(address);
    const items = answers.shift();
    return items ? { ok: true, json: async () => ({ items }) } : { ok: false };
  };
  return { previous: new PreviousRound({ env: time.env({ fetch }), redraw: () => { drawn += 1; }, ...options }), asked, time, drawn: () => drawn };
}

const second = { stream: "polls/A", poll: poll({ round: 3, compare: true }), tally: tally(1, 3) };

test("the newest earlier round is fetched once", async () => {
  const { previous, asked, drawn } = previousRound([[tally(1, 1), tally(2, 2), tally(3, 3)]]);
  assert.equal(previous.tallyFor(second), null);
  await settle();
  assert.deepEqual([previous.tallyFor(second).round, drawn()], [2, 1]);
  previous.tallyFor(second);
  assert.deepEqual(asked, ["http://wall.test/api/polls/A/rounds?as=audience"]);
});

test("nothing is fetched while the tally is hidden, nor where nothing is compared", () => {
  const { previous, asked } = previousRound([]);
  previous.tallyFor({ ...second, tally: null });
  previous.tallyFor({ ...second, poll: poll({ round: 3 }) });
  previous.tallyFor({ ...second, poll: poll({ compare: true }) });
  assert.deepEqual(asked, []);
});

test("a refused request is repeated, but not at once", async () => {
  const { previous, asked, time } = previousRound([null, [tally(2, 2)]]);
  for (const seconds of [0, 1, 10]) {
    await time.pass(seconds * 1000);
    previous.tallyFor(second);
    await settle();
  }
  assert.equal(asked.length, 2);
  assert.equal(previous.tallyFor(second).round, 2);
});

test("phones that wait for a round fetch it within a few seconds and not all at once", async () => {
  const { previous, asked, time } = previousRound([[tally(2, 2)]], { spread: 3_000 });
  for (const [passed, calls] of [[60_000, 0], [1_000, 0], [1_000, 1]]) {
    await time.pass(passed);
    previous.tallyFor(second);
    assert.equal(asked.length, calls);
  }
});

test("a page that has just loaded fetches it at once", () => {
  const { previous, asked } = previousRound([[tally(2, 2)]], { spread: 3_000 });
  previous.tallyFor(second);
  assert.equal(asked.length, 1);
});
