import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../../static/js/net/clock.js";
import { holdFor, veiled } from "../../../static/js/poll/reveal.js";
import { inUtc, lineTime, moment, shortMoment } from "../../../static/js/ui/timestamps.js";
import { Texts } from "../../../static/js/ui/texts.js";
import { Countdown } from "../../../static/js/poll/countdown.js";

const NOON = Date.parse("2026-01-01T12:00:00Z");
const at = (seconds) => new Date(NOON + 1000 * seconds).toISOString();

function countdown(clock) {
  const element = { dataset: {}, textContent: "", hidden: false };
  const view = new Countdown(element, { texts: new Texts({ "poll.closed": "closed", "poll.closed_at": "closed at %(time)s" }), page: { lang: "en-US" } });
  return (poll) => {
    view.update({ kind: "poll", poll: { id: "A", round: 1, phase: "open", closes_at: null, ...poll } }, clock);
    return element.hidden ? null : element.textContent;
  };
}

// -- moments in the reader's zone, which node takes from TZ

function inZone(zone, work) {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    work();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

test("a moment is said in the reader's zone, which is named, and in UTC beside it", () => {
  inZone("Asia/Kolkata", () => {
    assert.equal(moment("2026-01-01T20:00:09.250Z"), "2026-01-02 01:30:09 GMT+5:30");
    assert.equal(moment("2026-01-01T20:00:09Z", { seconds: false }), "2026-01-02 01:30 GMT+5:30");
    assert.equal(lineTime("2026-01-01T20:00:09.250Z"), "01:30:09.250");
    assert.equal(inUtc("2026-01-01T20:00:09.250Z"), "2026-01-01 20:00:09 UTC");
  });
  inZone("UTC", () => assert.equal(moment("2026-01-01T20:00:09Z"), "2026-01-01 20:00:09 UTC"));
});

test("the date is left out of a moment of today only", () => {
  inZone("UTC", () => {
    assert.equal(shortMoment("2026-01-01T11:05:00Z", NOON), "11:05 UTC");
    assert.equal(shortMoment("2025-12-31T11:05:00Z", NOON), "2025-12-31 11:05 UTC");
  });
});

test("what is no moment is not said", () => {
  for (const each of ["", null, undefined, "soon"]) {
    assert.deepEqual([moment(each), shortMoment(each, NOON), lineTime(each), inUtc(each)], ["", "", "", ""]);
  }
});

// -- the count-down

test("a closed poll says since when, where that is known", () => {
  const shown = countdown({ now: () => NOON });
  assert.equal(shown({ phase: "closed" }), "closed");
  assert.match(shown({ phase: "closed", closed_at: at(0) }), /^closed at \d\d:\d\d \S+$/);
});

test("without an end nothing counts down", () => {
  assert.equal(countdown({ now: () => NOON })({}), null);
});

test("the time left does not drift, on a machine whose clock is an hour wrong", () => {
  let local = NOON - 3_600_000;
  const clock = new Clock(() => local);
  const shown = countdown(clock);
  for (let second = 0; second <= 600; second += 1) {
    if (second % 20 === 0) clock.hear(at(second - (second % 60 ? 0.9 : 0.01))); // heartbeats, most of them late
    assert.equal(shown({ closes_at: at(600.5) }), `${Math.floor((601 - second) / 60)}:${String((601 - second) % 60).padStart(2, "0")}`);
    local += 1000;
  }
});

test("a tab that slept for ten minutes is right when it wakes", () => {
  let local = NOON + 7_000;
  const clock = new Clock(() => local);
  clock.hear(at(0));
  const shown = countdown(clock);
  assert.equal(shown({ closes_at: at(900) }), "15:00");
  local += 600_000; // no tick, no timer, no message meanwhile
  assert.equal(shown({ closes_at: at(900) }), "5:00");
});

test("the clock is right again with the first message after the machine's was set", () => {
  let local = NOON;
  const clock = new Clock(() => local);
  clock.hear(at(0));
  for (const jump of [3_600_000, -7_200_000]) {
    local += jump;
    clock.hear(at(20));
    assert.equal(clock.now(), NOON + 20_000);
  }
});

test("a message that was a second on its way does not move the clock", () => {
  const clock = new Clock(() => NOON);
  clock.hear(at(0));
  clock.hear(at(-1));
  assert.equal(clock.now(), NOON);
});

// -- the reveal

const poll = { id: "A", round: 1, phase: "closed", reveal_at: at(1) };
const tally = { round: 1, counts: { 1: 3 }, ballots: 3 };
const hidden = { kind: "poll", stream: "polls/A", poll: { ...poll, phase: "open", reveal_at: undefined }, tally: null };
const shown = { kind: "poll", stream: "polls/A", poll, tally };

test("a result is held back until its moment", () => {
  assert.deepEqual([0, 600, 999, 1000, 5000].map((ms) => holdFor(shown, hidden, NOON + ms)), [1000, 400, 1, 0, 0]);
});

test("what is held back is the tally alone", () => {
  const scene = veiled(shown);
  assert.deepEqual([scene.poll.phase, scene.tally, scene.turnout, scene.revealing], ["closed", null, { round: 1, ballots: 3 }, true]);
  assert.equal(holdFor(shown, scene, NOON + 400), 600); // and goes on being held
});

test("who saw the tally already goes on seeing it", () => {
  assert.equal(holdFor(shown, { ...hidden, tally }, NOON), 0);
});

test("a page that shows something else, or has just come, does not wait", () => {
  for (const before of [{ kind: "waiting" }, { kind: "lobby" }, { ...hidden, stream: "polls/B" }, { ...hidden, poll: { ...poll, round: 2 } }]) {
    assert.equal(holdFor(shown, before, NOON), 0);
  }
});

test("a moment far away is not believed", () => {
  assert.equal(holdFor(shown, hidden, NOON - 60_000), 0);
});

test("a poll that was never hidden waits for nothing", () => {
  assert.equal(holdFor({ ...shown, poll: { ...poll, reveal_at: undefined } }, hidden, NOON), 0);
  assert.equal(holdFor({ kind: "lobby" }, hidden, NOON), 0);
});
