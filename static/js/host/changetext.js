// A change that somebody else made, in words. Pure.

/** @import { Option, Stream } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { Change } from "./changes.js" */

/**
 * @typedef {object} Tools
 * @property {Texts} texts
 * @property {(item: Stream) => string} titleOf the title of an item of the wall
 * @property {(at: string) => string} time a time of day
 */

/** @type {Record<string, string>} the beginnings of the text keys of fields whose values have names */
const NAMED = { results: "home.results.", kind: "home.kind.", phase: "poll.phase.", majority: "host.majority." };

/**
 * Returns the value of a field.
 * @param {string} field
 * @param {any} value
 * @param {Tools} tools
 * @returns {string}
 */
export function valueText(field, value, { texts, titleOf, time }) {
  if (value === null || value === undefined || value === "") return texts.say("host.empty");
  if (field in NAMED) return texts.say(`${NAMED[field]}${value}`);
  if (typeof value === "boolean") return texts.say(value ? "host.yes" : "host.no");
  if (field === "options") return value.map((/** @type {Option} */ option) => `“${option.label || option}”`).join(", ");
  if (field === "items") return value.map((/** @type {Stream} */ item) => `“${titleOf(item)}”`).join(", ");
  if (field === "active") return `“${titleOf(value)}”`;
  if (field === "closes_at") return time(value);
  return field === "title" ? `“${value}”` : String(value);
}

/**
 * Returns one sentence about a change.
 * @param {Change} change
 * @param {Tools} tools
 */
export function changeText(change, tools) {
  const { field, before, now } = change;
  const { texts } = tools;
  const key = `host.field.${field}`;
  const values = { field: texts.has(key) ? texts.say(key) : field, now: valueText(field, now, tools) };
  if ("mine" in change) return texts.say("host.changed_mine", { ...values, mine: valueText(field, change.mine, tools) });
  return texts.say("host.changed", { ...values, before: valueText(field, before, tools) });
}
