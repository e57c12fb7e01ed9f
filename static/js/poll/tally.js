// What a poll looks like, worked out from its events: rows in the order of the options, shares, and who came first
// once (and only once) the poll is closed. Pure.

const COLOURS = 8;
const PATTERNS = 4;
// How the rows of the poster may stand, the largest letters first: name, options at most, columns, letters in a line,
// height of a line, height of all the rest of a row; heights in hundredths of its width.
const DENSITIES = [
  ["pair", 2, 1, 29, 3.5, 11],
  ["large", 3, 1, 42, 3.1, 7.6],
  ["few", 4, 1, 50, 2.7, 5.8],
  ["some", 6, 1, 56, 2.3, 3.6],
  ["many", 8, 1, 62, 2.1, 2.4],
  ["dense", 8, 1, 62, 2.0, 1.7],
  ["dense-two", 8, 1, 66, 1.95, 0.95],
  ["dense-cut", 8, 1, 66, 1.95, 1.7],
  ["two", 14, 2, 25, 2.1, 2.3],
  ["two-tight", 20, 2, 31, 2.0, 1.6],
  ["two-small", 20, 2, 31, 1.95, 0.95],
  ["two-cut", 20, 2, 31, 1.95, 1.1],
  ["three", 40, 3, 17, 1.95, 0.65],
  ["three-cut", 40, 3, 17, 1.95, 0.5],
];
const ROOM = { short: 37, medium: 34.5, long: 34.5, endless: 30 }; // the height that a question leaves to the rows
const LINES = 4; // a label may have so many before smaller letters are tried

/** The look of the option at `index`: a colour and a pattern, no pair twice among 32. */
export function look(index) {
  return { colour: (index % COLOURS) + 1, pattern: ((index + Math.floor(index / COLOURS)) % PATTERNS) + 1 };
}

/** Whole per cent, but "100%" only for all of them and "0%" only for none. */
export function percent(count, of) {
  if (!of || !count) return "0%";
  if (count >= of) return "100%";
  const share = (100 * count) / of;
  if (share < 0.5) return "<1%";
  if (share >= 99.5) return ">99%";
  return `${Math.round(share)}%`;
}

/** How many ballots the shares are of: those that did not abstain. */
export function base(poll, tally) {
  const own = poll.options.find((option) => option.abstain);
  return tally.ballots - (own ? tally.counts[own.id] || 0 : 0);
}

const MAJORITIES = { "1/2": [1, 2], "2/3": [2, 3], "3/4": [3, 4] };

/** How many marks a majority takes: more than half, or at least two thirds or three quarters. */
export function needed(majority, of) {
  const [part, whole] = MAJORITIES[majority];
  return majority === "1/2" ? Math.floor(of / 2) + 1 : Math.ceil((of * part) / whole);
}

/** Where the line of the majority stands, as a share of the base. */
export function majorityShare({ majority }) {
  const [part, whole] = MAJORITIES[majority];
  return part / whole;
}

/** null where the poll has no quorum. */
export function quorumReached(poll, cast) {
  return poll.quorum ? cast >= poll.quorum : null;
}

/** The options that reach the majority: none where the quorum is missed or nobody chose. */
export function majorityReached(poll, tally) {
  const of = base(poll, tally);
  if (!poll.majority || !of || quorumReached(poll, tally.ballots) === false) return [];
  const least = needed(poll.majority, of);
  return poll.options.filter((option) => !option.abstain && (tally.counts[option.id] || 0) >= least);
}

/** The options with the most marks; none where they miss the majority that the poll asks for. */
export function first(poll, tally) {
  const marks = (option) => tally.counts[option.id] || 0;
  const enough = poll.majority ? majorityReached(poll, tally) : poll.options.filter((option) => !option.abstain);
  const most = Math.max(0, ...poll.options.filter((option) => !option.abstain).map(marks));
  return enough.filter((option) => marks(option) === most && most > 0);
}

/**
 * One row an option; `counted` is false where this reader may not see the tally. An abstention has no share: it is not
 * in the base. `earlier` is the tally of the round before, where it is drawn beside this one.
 */
export function rows(poll, tally, earlier = null) {
  const counted = Boolean(tally) && tally.round === poll.round;
  const counts = counted ? tally.counts : {};
  const of = counted ? base(poll, tally) : 0;
  const before = counted && earlier ? base(poll, earlier) : 0;
  const ahead = counted && poll.phase === "closed" ? first(poll, tally) : [];
  return poll.options.map((option, index) => {
    const count = counts[option.id] || 0;
    const abstain = Boolean(option.abstain);
    const had = before && !abstain ? earlier.counts[option.id] || 0 : 0;
    return {
      id: option.id,
      label: option.label,
      number: index + 1,
      ...look(index),
      counted,
      count,
      abstain,
      share: of && !abstain ? Math.min(1, count / of) : 0,
      percent: abstain ? "–" : percent(count, of),
      first: ahead.includes(option),
      before: before && !abstain ? { share: Math.min(1, had / before), percent: percent(had, before) } : null,
    };
  });
}

/** Whether everybody sees the tally, and not only hosts and who has voted. */
export function isPublic({ results, phase, published }) {
  return results === "live" || published || (phase === "closed" && results !== "on_publish");
}

/** Ballots as far as this reader knows them: from the tally, or from the turnout where the tally is hidden. */
export function ballots(values) {
  const source = values.tally || values.turnout;
  const poll = values.poll;
  if (!source || (poll && source.round !== poll.round)) return 0;
  return source.ballots;
}

/** Letters, the wide ones twice. */
function width(text) {
  return [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? 2 : 1), 0);
}

/** A question longer than this needs smaller letters. */
export function lengthClass(title) {
  const length = width(title);
  if (length <= 60) return "short";
  if (length <= 120) return "medium";
  return length <= 210 ? "long" : "endless";
}

/** How dense the steps of a task on the projector are. */
export function stepDensity(steps) {
  if (steps <= 8) return "few";
  if (steps <= 13) return "some";
  return steps <= 26 ? "two" : "three";
}

/** The columns of the poster. */
export function columns(options) {
  if (options <= 8) return 1;
  return options <= 20 ? 2 : 3;
}

/** Whether the round before stands beside this one. */
export function isCompared(poll) {
  return Boolean(poll.compare) && poll.round > 1;
}

/** What a poll's rules take of the height: a line below the rows, a line beside each; in hundredths of the width. */
export function extras(poll) {
  const foot = poll.majority || poll.compare || poll.options.some((option) => option.abstain);
  return { foot: foot ? 4 : 0, row: !isCompared(poll) ? 0 : columns(poll.options.length) === 1 ? 1.2 : 0.8 };
}

/** The ways in which so many rows may stand, the largest letters first. */
export function densities(options) {
  return DENSITIES.filter(([, most, beside]) => beside === columns(options) && options <= most).map(([name]) => name);
}

/** How many lines of each label fit where the tightest rows have to cut some of them. */
export function cutLines(labels, title = "", extra = {}) {
  const { foot = 0, row = 0 } = extra;
  const name = density(labels, title, extra);
  const [, , , , height, rest] = DENSITIES.find(([each]) => each === name);
  const down = Math.max(1, Math.ceil(labels.length / columns(labels.length)));
  const room = ROOM[lengthClass(title)] - foot - down * (rest + row);
  return Math.min(LINES, Math.max(1, Math.floor(room / (down * height))));
}

/** How the rows of the poster stand: the largest letters with which every label is whole, else the tightest. */
export function density(labels, title = "", { foot = 0, row = 0 } = {}) {
  const room = ROOM[lengthClass(title)] - foot;
  const beside = columns(labels.length);
  const down = Math.ceil(labels.length / beside);
  const lengths = labels.map(width);
  let found = "three-cut";
  for (const [name, most, among, line, height, rest] of DENSITIES) {
    if (among !== beside || labels.length > most) continue;
    found = name;
    const lines = lengths.map((length) => Math.max(1, Math.ceil(length / line)));
    const column = (from) => lines.slice(from, from + down).reduce((sum, each) => sum + each, 0);
    const tallest = Math.max(...Array.from({ length: beside }, (_, index) => column(index * down)));
    if (Math.max(0, ...lines) <= LINES && tallest * height + down * (rest + row) <= room) break;
  }
  return found;
}
