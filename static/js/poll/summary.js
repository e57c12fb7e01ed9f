// The result in words, beside the bars: what the shares are of, the majority and which options reach it, the quorum,
// the round before. The server writes the same on pictures and on pages without script.

import { majorityReached, marksNeeded, quorumReached, shareBase } from "./tally.js";

/** @import { Poll, Tally } from "../net/wire.d.ts" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */

/** @typedef {{texts: Texts, number: FormatNumber}} Tools */

/** @type {Record<string, string>} */
const SHARES = { "1/2": "result.half", "2/3": "result.two_thirds", "3/4": "result.three_quarters" };

/**
 * Returns how far the quorum is reached; an empty text where the poll has none.
 * @param {Poll} poll
 * @param {number} cast
 * @param {Tools} tools
 */
export function quorumText(poll, cast, { texts, number }) {
  const reached = quorumReached(poll, cast);
  const quorum = poll.quorum || 0;
  if (reached === null) return "";
  const n = number(quorum);
  if (reached) return texts.say("result.quorum_reached", { n });
  if (poll.phase === "closed") return texts.say("result.quorum_missed", { n, missing: number(quorum - cast) });
  return texts.say("poll.quorum", { n, cast: number(cast) });
}

/**
 * @param {Poll} poll
 * @param {Tally} tally
 * @param {Tools} tools
 */
function baseText(poll, tally, { texts, number }) {
  const of = shareBase(poll, tally);
  return of === tally.ballots ? "" : texts.say("result.of_base", { n: number(of), abstained: number(tally.ballots - of) });
}

/**
 * @param {Poll} poll
 * @param {Tally} tally
 * @param {Tools} tools
 */
function majorityText(poll, tally, { texts, number }) {
  if (!poll.majority) return "";
  const of = shareBase(poll, tally);
  const values = { share: texts.say(SHARES[poll.majority]), n: number(marksNeeded(poll.majority, of)) };
  if (poll.phase !== "closed") return texts.say(of ? "result.majority" : "result.majority_yet", values);
  if (quorumReached(poll, tally.ballots) === false) return texts.say("result.majority_void", values);
  if (!of) return texts.say("result.majority_nobody", values);
  const labels = majorityReached(poll, tally).map((option) => option.label);
  if (!labels.length) return texts.say("result.majority_missed", values);
  return texts.say("result.majority_reached", { ...values, options: labels.join(", ") });
}

/**
 * @param {Tally | null} previous
 * @param {Tools} tools
 */
function previousText(previous, { texts, number }) {
  if (!previous) return "";
  const round = texts.say("poll.round", { round: previous.round });
  const ballots = texts.say("poll.ballots", { n: number(previous.ballots) }, previous.ballots);
  return texts.say("poll.compared", { round, ballots });
}

/**
 * Returns the line below the rows.
 * @param {Poll} poll
 * @param {Tally} tally
 * @param {Tally | null} previous
 * @param {Tools} tools
 */
export function resultSummary(poll, tally, previous, tools) {
  const parts = [majorityText(poll, tally, tools), baseText(poll, tally, tools), previousText(previous, tools)];
  return parts.filter(Boolean).join(" · ");
}
