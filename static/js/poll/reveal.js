// A result that was hidden is shown at one moment on all pages of a hall: the poll says when, by the server's time.
// Pure.

/** A moment further away than this is a clock that is wrong; then nothing is waited for. */
const LONGEST = 5_000;

/**
 * For how many ms what `next` newly shows is to be held back: 0 where nothing is, or no more. Only a page that shows
 * this poll without its tally waits; one that comes later shows it at once.
 */
export function holdFor(next, shown, now) {
  if (next.kind !== "poll" || !next.tally || !next.poll.reveal_at) return 0;
  if (shown.kind !== "poll" || shown.stream !== next.stream || shown.tally) return 0;
  if (shown.poll.round !== next.poll.round || next.tally.round !== next.poll.round) return 0;
  const wait = Math.ceil(Date.parse(next.poll.reveal_at) - now);
  return wait > 0 && wait <= LONGEST ? wait : 0;
}

/** The scene as it is until then: everything but the tally. */
export function veiled(scene) {
  return { ...scene, tally: null, turnout: { round: scene.tally.round, ballots: scene.tally.ballots }, revealing: true };
}
