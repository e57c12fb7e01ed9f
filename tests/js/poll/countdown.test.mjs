import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../../static/js/net/clock.js";
import { Countdown } from "../../../static/js/poll/countdown.js";
import { Texts } from "../../../static/js/ui/texts.js";

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

test("a closed poll shows since when, where that is known", () => {
  const shown = countdown({ now: () => NOON });
  assert.equal(shown({ phase: "closed" }), "closed");
  assert.match(shown({ phase: "closed", closed_at: at(0) }), /^closed at \d\d:\d\d \S+$/);
});

test("there is no countdown without an end", () => {
  assert.equal(countdown({ now: () => NOON })({}), null);
});

test("the time left does not drift on a device whose clock is an hour wrong", () => {
  let local = NOON - 3_600_000;
  const clock = new Clock(() => local);
  const shown = countdown(clock);
  for (let second = 0; second <= 600; second += 1) {
    if (second % 20 === 0) clock.sample(at(second - (second % 60 ? 0.9 : 0.01))); // heartbeats, most of them late
    assert.equal(shown({ closes_at: at(600.5) }), `${Math.floor((601 - second) / 60)}:${String((601 - second) % 60).padStart(2, "0")}`);
    local += 1000;
  }
});

test("the time left is right in a tab that slept for ten minutes", () => {
  let local = NOON + 7_000;
  const clock = new Clock(() => local);
  clock.sample(at(0));
  const shown = countdown(clock);
  assert.equal(shown({ closes_at: at(900) }), "15:00");
  local += 600_000; // no tick, no timer, no message meanwhile
  assert.equal(shown({ closes_at: at(900) }), "5:00");
});
