// What a poll looks like, worked out from its events: rows in the order of the options, shares, and who came first
// once (and only once) the poll is closed. Pure.

const COLOURS = 8;
const PATTERNS = 4;
const LINE = 42; // letters of a label that surely fit one line of the poster

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

/** One row an option; `counted` is false where this reader may not see the tally. */
export function rows(poll, tally) {
  const counted = Boolean(tally) && tally.round === poll.round;
  const counts = counted ? tally.counts : {};
  const ballots = counted ? tally.ballots : 0;
  const most = Math.max(0, ...Object.values(counts));
  return poll.options.map((option, index) => {
    const count = counts[option.id] || 0;
    return {
      id: option.id,
      label: option.label,
      number: index + 1,
      ...look(index),
      counted,
      count,
      share: ballots ? Math.min(1, count / ballots) : 0,
      percent: percent(count, ballots),
      first: counted && poll.phase === "closed" && most > 0 && count === most,
    };
  });
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

/** How dense the rows of the poster are: two columns from nine on, three beyond twenty; a label of two lines counts more. */
export function density(labels) {
  const options = labels.length;
  const lines = options + labels.filter((label) => width(label) > LINE).length / 2;
  if (lines <= 2) return "pair";
  if (lines <= 4) return "few";
  if (lines <= 6) return "some";
  if (options <= 8) return "many";
  if (options <= 14) return "two";
  return options <= 20 ? "two-tight" : "three";
}
