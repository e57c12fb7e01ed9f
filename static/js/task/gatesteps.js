// The gates of a task that wait for people or for polls, and how those stand, in words. Pure.

/** @import { Poll, Step, Stream, Tally, Task, Turnout } from "../net/wire.d.ts" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */

/** A connection carries 16 streams; that of a page needs some for itself. */
const MAX_POLLS = 8;
const KINDS = ["approval", "poll"];

/**
 * Returns the steps that wait for people or for a poll.
 * @param {Step[]} steps
 */
export function waitingGates(steps) {
  return steps.filter((step) => step.state === "waiting" && step.waits_for && KINDS.includes(step.waits_for.kind));
}

/**
 * Returns the streams of the polls that decide gates now, or what follows a failed task, as many as a page can follow.
 * @param {Step[]} steps
 * @param {Task | null} [task]
 * @returns {Stream[]}
 */
export function gatePolls(steps, task) {
  const { on_failure: asked } = task || {};
  const waits = [...waitingGates(steps).map(({ waits_for }) => waits_for), asked && asked.state === "open" ? asked : null];
  return waits.flatMap((wait) => (wait && wait.poll ? [`polls/${wait.poll}`] : [])).slice(0, MAX_POLLS);
}

/**
 * Returns texts as one list.
 * @param {string[]} items
 * @param {Texts} texts
 */
function listText(items, texts) {
  return items.reduce((first, next) => texts.say("gate.list", { first, next }));
}

/**
 * Returns how a poll stands, as far as this reader may see it; an empty text before it has arrived.
 * @param {{poll?: Poll | null, tally?: Tally | null, turnout?: Turnout | null}} values
 * @param {{texts: Texts, number: FormatNumber}} tools
 */
export function standingText({ poll, tally, turnout }, { texts, number }) {
  const counted = tally || turnout;
  if (!poll || !counted) return "";
  const n = counted.round === poll.round ? counted.ballots : 0;
  const ballots = texts.say("gate.ballots", { n: number(n) }, n);
  const counts = tally && tally.round === poll.round
    ? poll.options.map(({ id, label }) => texts.say("gate.count", { option: label, n: number(tally.counts[id] || 0) })) : [];
  const quorum = poll.quorum ? ` ${texts.say("gate.quorum", { n: number(poll.quorum) })}` : "";
  return (counts.length ? texts.say("gate.counts", { ballots, counts: listText(counts, texts) }) : ballots) + quorum;
}

/**
 * Returns whether somebody with these names and roles is among the approvers.
 * @param {string[]} approvers names, and role:ROLE
 * @param {string[]} me the reader's name, and role:ROLE
 */
export function mayDecide(approvers, me) {
  return approvers.some((approver) => me.includes(approver));
}

/**
 * Returns the approvers in words.
 * @param {string[]} approvers
 * @param {Texts} texts
 */
export function approversText(approvers, texts) {
  const people = approvers.map((approver) => approverText(approver, texts));
  const last = people.pop() || "";
  return people.length > 0 ? texts.say("gate.or", { first: listText(people, texts), last }) : last;
}

/**
 * Returns a name, or a role in words.
 * @param {string} approver
 * @param {Texts} texts
 */
function approverText(approver, texts) {
  return approver.startsWith("role:") ? texts.say(`gate.role.${approver.slice(5)}`) : approver;
}
