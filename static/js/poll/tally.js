// The figures of a poll, worked out from its events: a row per option, shares, quorum and majority. Pure.

/** @import { Option, Poll, Tally, Turnout } from "../net/wire.d.ts" */

const COLOURS = 8;
const PATTERNS = 4;

/**
 * One option as it is drawn.
 * @typedef {object} Row
 * @property {string} id
 * @property {string} label
 * @property {number} number from 1, in the order of the options
 * @property {number} colour
 * @property {number} pattern
 * @property {boolean} counted false where this reader may not see the tally
 * @property {number} count
 * @property {boolean} abstain an abstention has no share: it is not in the base
 * @property {number} share between 0 and 1
 * @property {string} percent
 * @property {boolean} first whether a closed poll has no option with more marks
 * @property {{share: number, percent: string} | null} before the same option in the round before, if it is compared
 */

/**
 * Returns the look of the option at `index`. No pair of colour and pattern occurs twice among 32.
 * @param {number} index
 */
export function optionStyle(index) {
  return { colour: (index % COLOURS) + 1, pattern: ((index + Math.floor(index / COLOURS)) % PATTERNS) + 1 };
}

/**
 * Returns a whole percentage, but "100%" only for all of them and "0%" only for none.
 * @param {number} count
 * @param {number} of
 */
export function percent(count, of) {
  if (!of || !count) return "0%";
  if (count >= of) return "100%";
  const share = (100 * count) / of;
  if (share < 0.5) return "<1%";
  if (share >= 99.5) return ">99%";
  return `${Math.round(share)}%`;
}

/**
 * Returns of how many ballots the shares are: those without an abstention.
 * @param {Poll} poll
 * @param {Tally} tally
 */
export function shareBase(poll, tally) {
  const abstention = poll.options.find((option) => option.abstain);
  return tally.ballots - (abstention ? tally.counts[abstention.id] || 0 : 0);
}

/** @type {Record<string, [number, number]>} */
const MAJORITIES = { "1/2": [1, 2], "2/3": [2, 3], "3/4": [3, 4] };

/**
 * Returns how many marks make a majority: more than half, or at least two thirds or three quarters.
 * @param {string} majority
 * @param {number} of
 */
export function marksNeeded(majority, of) {
  const [part, whole] = MAJORITIES[majority];
  return majority === "1/2" ? Math.floor(of / 2) + 1 : Math.ceil((of * part) / whole);
}

/**
 * Returns where the line of the majority stands, as a share of the base.
 * @param {string} majority
 */
export function majorityShare(majority) {
  const [part, whole] = MAJORITIES[majority];
  return part / whole;
}

/**
 * Whether so many ballots reach the quorum; null if the poll has none.
 * @param {Poll} poll
 * @param {number} cast
 */
export function quorumReached(poll, cast) {
  return poll.quorum ? cast >= poll.quorum : null;
}

/**
 * Returns the options that reach the majority: none where the quorum is missed or nobody chose an option.
 * @param {Poll} poll
 * @param {Tally} tally
 */
export function majorityReached(poll, tally) {
  const of = shareBase(poll, tally);
  if (!poll.majority || !of || quorumReached(poll, tally.ballots) === false) return [];
  const least = marksNeeded(poll.majority, of);
  return poll.options.filter((option) => !option.abstain && (tally.counts[option.id] || 0) >= least);
}

/**
 * Returns the options with the most marks: none where they miss the majority that the poll asks for.
 * @param {Poll} poll
 * @param {Tally} tally
 */
function leaders(poll, tally) {
  const marks = (/** @type {Option} */ option) => tally.counts[option.id] || 0;
  const eligible = poll.options.filter((option) => !option.abstain);
  const enough = poll.majority ? majorityReached(poll, tally) : eligible;
  const most = Math.max(0, ...eligible.map(marks));
  return enough.filter((option) => marks(option) === most && most > 0);
}

/**
 * Returns one row per option. `previous` is the tally of the round before, where the poll is compared with it.
 * @param {Poll} poll
 * @param {Tally | null | undefined} tally
 * @param {Tally | null} previous
 * @returns {Row[]}
 */
export function resultRows(poll, tally, previous = null) {
  // A tally of another round says nothing about this one.
  const counted = tally && tally.round === poll.round ? tally : null;
  const of = counted ? shareBase(poll, counted) : 0;
  const previousBase = counted && previous ? shareBase(poll, previous) : 0;
  const first = counted && poll.phase === "closed" ? leaders(poll, counted) : [];
  return poll.options.map((option, index) => {
    const count = counted ? counted.counts[option.id] || 0 : 0;
    const abstain = Boolean(option.abstain);
    const before = previous ? previous.counts[option.id] || 0 : 0;
    return {
      id: option.id,
      label: option.label,
      number: index + 1,
      ...optionStyle(index),
      counted: Boolean(counted),
      count,
      abstain,
      share: of && !abstain ? Math.min(1, count / of) : 0,
      percent: abstain ? "–" : percent(count, of),
      first: first.includes(option),
      before: previousBase && !abstain ? { share: Math.min(1, before / previousBase), percent: percent(before, previousBase) } : null,
    };
  });
}

/**
 * Whether everybody sees the tally, and not only hosts and those who have voted.
 * @param {Pick<Poll, "results" | "phase" | "published">} poll
 */
export function isPublic({ results, phase, published }) {
  return results === "live" || published || (phase === "closed" && results !== "on_publish");
}

/**
 * Returns the number of ballots as far as this reader knows it: from the tally, or from the turnout where the tally is
 * hidden.
 * @param {{poll?: Poll | null, tally?: Tally | null, turnout?: Turnout | null}} values
 */
export function ballotCount({ poll, tally, turnout }) {
  const source = tally || turnout;
  if (!source || (poll && source.round !== poll.round)) return 0;
  return source.ballots;
}

/**
 * Whether the round before is shown beside this one.
 * @param {Poll} poll
 */
export function isCompared(poll) {
  return Boolean(poll.compare) && poll.round > 1;
}
