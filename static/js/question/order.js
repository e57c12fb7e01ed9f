// The order of questions on every screen: pinned ones, then by votes, then by age; answered ones follow in the same order,
// and hidden ones come last. livewall/questions/rules.py has the same rule.

/**
 * A question as docs/contract.md describes it.
 * @typedef {object} Question
 * @property {number} n
 * @property {string} id
 * @property {string} from
 * @property {string} name
 * @property {string} text
 * @property {string} at
 * @property {"pending" | "shown" | "pinned" | "answered" | "hidden"} state
 * @property {number} votes
 * @property {string} [answer]
 */

const PLACES = { pinned: 0, shown: 1, pending: 1, answered: 2, hidden: 3 };

/**
 * @template {Pick<Question, "n" | "state" | "votes">} T
 * @param {T[]} questions
 * @returns {T[]}
 */
export function inOrder(questions) {
  return [...questions].sort((a, b) => PLACES[a.state] - PLACES[b.state] || b.votes - a.votes || a.n - b.n);
}

/**
 * Returns the questions of a stream that everyone sees, in their order.
 * @param {Readonly<Record<string, any>>} values
 * @returns {Question[]}
 */
export function visibleQuestions(values) {
  const all = Object.entries(values).filter(([key]) => key.startsWith("question/")).map(([, question]) => question);
  return inOrder(all.filter(({ state }) => state === "shown" || state === "pinned" || state === "answered"));
}
