// The form of a poll, new or changed, as the API's own fields: what handlers/pages/poll_form.py does where there is no script.
// Pure.

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
const number = (text) => (/^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : text.trim() || null); // the server says what is no number

/** What stands in the fields, of a poll that is there or of a new one. */
export function written(poll = null) {
  const { options = [], kind = "single", ...rest } = poll || {};
  return {
    title: rest.title || "",
    options: options.filter((option) => !option.abstain).map((option) => option.label).join("\n"),
    abstain: options.filter((option) => option.abstain).map((option) => option.label).join(""),
    kind,
    max_choices: kind === "multi" ? String(rest.max_choices) : "",
    results: rest.results || "live",
    assurance: rest.assurance || "open",
    closes_in: "",
    quorum: rest.quorum ? String(rest.quorum) : "",
    majority: rest.majority || "",
    allow_change: poll ? rest.allow_change : true,
    compare: Boolean(rest.compare),
  };
}

/** The options: one a line, then the abstention. As many as are held already keep their ids. */
export function choices({ options, abstain }, held = null) {
  const made = [...lines(options).map((label) => ({ label })), ...(abstain.trim() ? [{ label: abstain.trim(), abstain: true }] : [])];
  if (!held || held.length !== made.length) return made;
  const ids = [...held.filter((option) => !option.abstain), ...held.filter((option) => option.abstain)].map(({ id }) => id);
  return made.map((option, place) => ({ id: ids[place], ...option }));
}

function several({ kind, max_choices: most, options }) {
  if (kind !== "multi") return { kind: "single", max_choices: 1 };
  return { kind, max_choices: most.trim() ? number(most) : lines(options).length };
}

/** The fields of POST /api/polls. */
export function made(values, wall) {
  const { title, results, assurance, closes_in: time, quorum, majority, allow_change: change, compare } = values;
  return {
    title, options: choices(values), ...several(values), results, assurance, wall, closes_in: number(time),
    quorum: number(quorum), majority: majority || null, allow_change: change, compare,
  };
}

/** The fields of PUT /api/polls/ID: those that were changed in the form. */
export function changed(values, poll) {
  const before = written(poll);
  const differs = (...names) => names.some((name) => values[name] !== before[name]);
  const fields = {};
  for (const name of ["title", "results", "allow_change", "compare"]) if (differs(name)) fields[name] = values[name];
  if (differs("options", "abstain")) fields.options = choices(values, poll.options);
  if (differs("kind", "max_choices")) Object.assign(fields, several(values));
  if (differs("quorum")) fields.quorum = number(values.quorum);
  if (differs("majority")) fields.majority = values.majority || null;
  return fields;
}
