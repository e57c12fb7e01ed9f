import assert from "node:assert/strict";
import { test } from "node:test";
import { IDLE, Player, defaultSpeed, interpolate, positionOf, stateAt, timeline } from "../../../static/js/poll/player.js";

const TIMES = [0, 1_000, 3_000, 3_603_000, 3_604_000]; // with an hour in which nothing happened

test("events are played at their times, and an idle hour is shortened", () => {
  assert.deepEqual(timeline(TIMES).played, [0, 1_000, 3_000, 3_000 + IDLE, 4_000 + IDLE]);
});

test("each event is shown from its time on, and a shortened idle time is known", () => {
  const line = timeline(TIMES);
  assert.deepEqual(stateAt(line, 999), { index: 0, at: 999, idle: 0 });
  assert.deepEqual(stateAt(line, 1_000), { index: 1, at: 1_000, idle: 0 });
  assert.deepEqual(stateAt(line, 3_000 + IDLE / 2), { index: 2, at: 1_803_000, idle: 3_600_000 });
  assert.deepEqual(stateAt(line, line.total), { index: 4, at: 3_604_000, idle: 0 });
});

test("a true time has a position", () => {
  const line = timeline(TIMES);
  for (const position of [0, 500, 2_000, 4_000, 7_500, line.total]) {
    assert.ok(Math.abs(positionOf(line, stateAt(line, position).at) - position) < 1e-6, String(position));
  }
});

test("a replay with a single event stands still", () => {
  const player = new Player([5], () => {});
  player.play(0);
  player.tick(100);
  assert.deepEqual([player.playing, player.state.index, player.position], [false, 0, 0]);
});

test("it begins again where it ended, plays at its speed, and stops at the end", () => {
  let moves = 0;
  const player = new Player([0, 1_000, 2_000], () => { moves += 1; });
  assert.equal(player.state.index, 2);
  player.speed = 2;
  player.play(10_000);
  assert.equal(player.position, 0);
  player.tick(10_250);
  assert.equal(player.position, 500);
  player.pause();
  player.tick(99_000);
  assert.equal(player.position, 500);
  player.play(99_000);
  player.tick(199_000);
  assert.deepEqual([player.position, player.playing], [2_000, false]);
  assert.ok(moves >= 4);
});

test("events that are added do not move the position, unless it is at the end", () => {
  const player = new Player([0, 1_000, 2_000], () => {});
  player.seek(500);
  player.load([0, 1_000, 2_000, 3_000]);
  assert.equal(player.position, 500);
  player.seek(3_000);
  player.load([0, 1_000, 2_000, 3_000, 4_000]);
  assert.equal(player.position, 4_000);
});

test("the speed is the slowest at which a replay takes half a minute or less", () => {
  assert.deepEqual([0, 30_000, 31_000, 600_000, 9_999_999].map(defaultSpeed), [1, 1, 2, 20, 60]);
});

test("positions on the drawing are interpolated between knots, both ways", () => {
  const knots = [[0, 64], [100, 464], [5_000, 504], [5_100, 870]];
  assert.deepEqual([-5, 0, 50, 100, 2_550, 5_100, 9_999].map((at) => interpolate(knots, at)), [64, 64, 264, 464, 484, 870, 870]);
  assert.equal(interpolate(knots, 264, 1, 0), 50);
});
