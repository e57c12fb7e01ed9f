// A result that was hidden appears on all pages of a hall at the same moment: the poll names it, by the server's time.
// Pure.

/** @import { Scene } from "../wall/scene.js" */

/** A moment further away than this means that a clock is wrong, and is not waited for. */
const LONGEST = 5_000;

/**
 * Returns for how many milliseconds the tally of `next` is to be held back. Only a page that shows the same round
 * without its tally waits; a page that comes later shows the tally at once.
 * @param {Scene} next
 * @param {Scene} shown
 * @param {number} now
 */
export function revealDelay(next, shown, now) {
  if (next.kind !== "poll" || !next.tally || !next.poll.reveal_at) return 0;
  if (shown.kind !== "poll" || shown.stream !== next.stream || shown.tally) return 0;
  if (shown.poll.round !== next.poll.round || next.tally.round !== next.poll.round) return 0;
  const wait = Math.ceil(Date.parse(next.poll.reveal_at) - now);
  return wait > 0 && wait <= LONGEST ? wait : 0;
}

/**
 * Returns the scene as it is until that moment: everything but the tally.
 * @param {Scene} scene
 * @returns {Scene}
 */
export function withoutTally(scene) {
  if (scene.kind !== "poll" || !scene.tally) return scene;
  const { round, ballots } = scene.tally;
  return { ...scene, tally: null, turnout: { round, ballots }, revealing: true };
}
