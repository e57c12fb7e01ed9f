// What is said beside the bars: what the shares are of, the majority and who reached it, the round before. What
// handlers/pages/view_models/result_summary.py says on pictures and on pages made by the server.

import { base, majorityReached, needed, quorumReached } from "./tally.js";

const SHARES = { "1/2": "result.half", "2/3": "result.two_thirds", "3/4": "result.three_quarters" };

/** The quorum in words; nothing where the poll has none. */
export function quorum(poll, cast, { texts, number }) {
  const reached = quorumReached(poll, cast);
  if (reached === null) return "";
  const n = number(poll.quorum);
  if (reached) return texts.say("result.quorum_reached", { n });
  if (poll.phase === "closed") return texts.say("result.quorum_missed", { n, missing: number(poll.quorum - cast) });
  return texts.say("poll.quorum", { n, cast: number(cast) });
}

function ofBase(poll, tally, { texts, number }) {
  const of = base(poll, tally);
  return of === tally.ballots ? "" : texts.say("result.of_base", { n: number(of), abstained: number(tally.ballots - of) });
}

function majority(poll, tally, { texts, number }) {
  if (!poll.majority) return "";
  const of = base(poll, tally);
  const told = { share: texts.say(SHARES[poll.majority]), n: number(needed(poll.majority, of)) };
  if (poll.phase !== "closed") return texts.say(of ? "result.majority" : "result.majority_yet", told);
  if (quorumReached(poll, tally.ballots) === false) return texts.say("result.majority_void", told);
  if (!of) return texts.say("result.majority_nobody", told);
  const labels = majorityReached(poll, tally).map((option) => option.label);
  if (!labels.length) return texts.say("result.majority_missed", told);
  return texts.say("result.majority_reached", { ...told, options: labels.join(", ") });
}

function before(earlier, { texts, number }) {
  if (!earlier) return "";
  const round = texts.say("poll.round", { round: earlier.round });
  return texts.say("poll.compared", { round, ballots: texts.say("poll.ballots", { n: number(earlier.ballots) }, earlier.ballots) });
}

/** The line below the rows. */
export function beside(poll, tally, earlier, tools) {
  return [majority(poll, tally, tools), ofBase(poll, tally, tools), before(earlier, tools)].filter(Boolean).join(" · ");
}
