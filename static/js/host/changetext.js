// Values of polls and walls in words, for what somebody else changed. Pure.

const NAMED = { results: "home.results.", kind: "home.kind.", phase: "poll.phase.", majority: "host.majority." };

/** `titleOf(item)` names an item of the wall; `time(iso)` is a time of day. */
export function inWords(field, value, { texts, titleOf, time }) {
  if (value === null || value === undefined || value === "") return texts.say("host.empty");
  if (field in NAMED) return texts.say(`${NAMED[field]}${value}`);
  if (typeof value === "boolean") return texts.say(value ? "host.yes" : "host.no");
  if (field === "options") return value.map((option) => `“${option.label || option}”`).join(", ");
  if (field === "items") return value.map((item) => `“${titleOf(item)}”`).join(", ");
  if (field === "active") return `“${titleOf(value)}”`;
  if (field === "closes_at") return time(value);
  return field === "title" ? `“${value}”` : String(value);
}

/** One sentence a change. */
export function sentence({ field, before, now, ...mine }, tools) {
  const { texts } = tools;
  const key = `host.field.${field}`;
  const said = { field: texts.has(key) ? texts.say(key) : field, now: inWords(field, now, tools) };
  if ("mine" in mine) return texts.say("host.changed_mine", { ...said, mine: inWords(field, mine.mine, tools) });
  return texts.say("host.changed", { ...said, before: inWords(field, before, tools) });
}
