// The form of a poll, as the fields of the API. The server does the same for the form of a page without script
// (handlers/pages/poll_form.py). Pure.

import { kindNames, kindOf } from "../poll/kinds/index.js";

/** @import { Option, Poll } from "../net/wire.d.ts" */

const [FIRST] = kindNames();

/**
 * The values of the form.
 * @typedef {object} FormValues
 * @property {string} title
 * @property {string} options one per line
 * @property {string} abstain
 * @property {string} kind
 * @property {string} max_choices
 * @property {string} results
 * @property {string} assurance
 * @property {string} closes_in
 * @property {string} quorum
 * @property {string} majority
 * @property {boolean} allow_change
 * @property {boolean} compare
 */

/** @typedef {Omit<Option, "id"> & {id?: string}} OptionInput */

/** @param {string} text */
const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/**
 * Returns the number in a field, null if it is empty. Anything else goes to the server as it is, which refuses it.
 * @param {string} text
 */
const numberOf = (text) => (/^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : text.trim() || null);

/**
 * Returns the values with which the form begins, for a poll or for a new one.
 * @param {Poll | null} poll
 * @returns {FormValues}
 */
export function formValues(poll = null) {
  const { options = [], kind = FIRST } = poll || {};
  /** @type {Partial<Poll>} */
  const current = poll || {};
  const labels = (/** @type {boolean} */ abstain) => options.filter((option) => Boolean(option.abstain) === abstain).map((option) => option.label);
  return {
    title: current.title || "",
    options: labels(false).join("\n"),
    abstain: labels(true).join(""),
    kind,
    max_choices: poll ? kindOf(kind).formMaximum(poll) : "",
    results: current.results || "live",
    assurance: current.assurance || "open",
    closes_in: "",
    quorum: current.quorum ? String(current.quorum) : "",
    majority: current.majority || "",
    allow_change: poll ? poll.allow_change : true,
    compare: Boolean(current.compare),
  };
}

/**
 * Returns the options of the form, the abstention last. They keep the ids of the current ones where there are as many.
 * @param {Pick<FormValues, "options" | "abstain">} values
 * @param {Option[] | null} current
 * @returns {OptionInput[]}
 */
export function optionFields({ options, abstain }, current = null) {
  /** @type {OptionInput[]} */
  const fields = linesOf(options).map((label) => ({ label }));
  if (abstain.trim()) fields.push({ label: abstain.trim(), abstain: true });
  if (!current || current.length !== fields.length) return fields;
  const ids = [...current.filter((option) => !option.abstain), ...current.filter((option) => option.abstain)].map(({ id }) => id);
  return fields.map((option, place) => ({ id: ids[place], ...option }));
}

/** @param {Pick<FormValues, "kind" | "max_choices" | "options">} values */
function kindFields({ kind, max_choices: most, options }) {
  return { kind, ...kindOf(kind).formFields(numberOf(most), linesOf(options).length) };
}

/**
 * Returns the fields of POST /api/polls.
 * @param {FormValues} values
 * @param {string} wall
 */
export function newPollFields(values, wall) {
  const { title, results, assurance, closes_in: time, quorum, majority, allow_change, compare } = values;
  return {
    title, options: optionFields(values), ...kindFields(values), results, assurance, wall, closes_in: numberOf(time),
    quorum: numberOf(quorum), majority: majority || null, allow_change, compare,
  };
}

/**
 * Returns the fields of PUT /api/polls/ID: those that were changed in the form.
 * @param {FormValues} values
 * @param {Poll} poll
 */
export function changedFields(values, poll) {
  const before = formValues(poll);
  const differs = (/** @type {(keyof FormValues)[]} */ ...names) => names.some((name) => values[name] !== before[name]);
  /** @type {Record<string, any>} */
  const fields = {};
  for (const name of /** @type {const} */ (["title", "results", "allow_change", "compare"])) {
    if (differs(name)) fields[name] = values[name];
  }
  if (differs("options", "abstain")) fields.options = optionFields(values, poll.options);
  if (differs("kind", "max_choices")) Object.assign(fields, kindFields(values));
  if (differs("quorum")) fields.quorum = numberOf(values.quorum);
  if (differs("majority")) fields.majority = values.majority || null;
  return fields;
}
