// The form in which a poll is made or changed. What was refused is said in the form, beside what was typed.

import { h, setText } from "../ui/dom.js";
import { written } from "./pollfields.js";
import { openDialog } from "../ui/dialog.js";

const RESULTS = ["live", "after_vote", "after_close", "on_publish"];
const MAJORITIES = ["", "1/2", "2/3", "3/4"];

function field(label, control, hint = "") {
  return h("label", { class: "field" }, label, control, hint ? h("small", {}, hint) : null);
}

function input(name, value, more = {}) {
  const made = h("input", { name, autocomplete: "off", ...more });
  made.value = value;
  return made;
}

function select(name, value, list, say) {
  const made = h("select", { name }, list.map((each) => h("option", { value: each }, say(each))));
  made.value = value;
  return made;
}

function check(name, checked, label) {
  const box = h("input", { type: "checkbox", name });
  box.checked = checked;
  return h("label", { class: "check" }, box, label);
}

function fields(poll, locked, texts) {
  const say = (key) => texts.say(key);
  const values = written(poll);
  const digits = { inputmode: "numeric", pattern: "[0-9]*" };
  const options = h("textarea", { name: "options", required: true, rows: "5", dir: "auto" });
  options.value = values.options;
  const line = [
    locked ? null : field(say("host.abstain"), input("abstain", values.abstain, { maxlength: "200", dir: "auto" }), say("host.abstain_hint")),
    locked ? null : field(say("home.kind"), select("kind", values.kind, ["single", "multi"], (each) => say(`home.kind.${each}`))),
    locked ? null : field(say("home.max"), input("max_choices", values.max_choices, digits), say("home.at_most_hint")),
    field(say("home.results"), select("results", values.results, RESULTS, (each) => say(`home.results.${each}`))),
    poll ? null : field(say("home.assurance"), select("assurance", values.assurance, ["open", "code"], (each) => say(`home.assurance.${each}`))),
    poll ? null : field(say("home.closes_in"), input("closes_in", "", digits), say("home.closes_in_hint")),
    field(say("host.quorum"), input("quorum", values.quorum, digits), say("host.none")),
    field(say("host.majority"), select("majority", values.majority, MAJORITIES, (each) => say(`host.majority.${each || "none"}`))),
  ];
  return [
    field(say("home.question"), input("title", values.title, { required: true, maxlength: "500", dir: "auto" })),
    locked ? h("p", { class: "quiet" }, say("host.locked")) : field(say("home.options"), options),
    h("div", { class: "line" }, line),
    check("allow_change", values.allow_change, say("home.allow_change")),
    check("compare", values.compare, say("host.compare")),
  ];
}

/** What stands in a form now; fields it does not have keep what they were. */
function read(form, poll) {
  const given = written(poll);
  for (const each of form.elements) {
    if (each.name in given) given[each.name] = each.type === "checkbox" ? each.checked : each.value;
  }
  return given;
}

const LABELS = { title: "home.question", options: "home.options", max_choices: "home.max", closes_in: "home.closes_in", quorum: "host.quorum", assurance: "home.assurance" };

/** What an error of the server says, in words; fields by what the form calls them. */
export function wordsOf(error, texts) {
  if (error.code === "unreached") return texts.say("host.not_sent");
  if (error.code === "gone") return texts.say("host.gone");
  const key = `error.${error.code}`;
  if (!error.fields && (error.code === "conflict" || !texts.has(key))) return error.message;
  const named = Object.entries(error.fields || {}).map(([name, why]) => {
    const place = /^options\[(\d+)\]/.exec(name);
    const label = place ? `${texts.say("poll.option")} ${Number(place[1]) + 1}` : name in LABELS ? texts.say(LABELS[name]) : name;
    return `${label}: ${why}.`;
  });
  return [texts.say(key), ...named].join(" ");
}

/** `send(values)` resolves with {error} where it was refused; anything else closes the form. `locked`: there are ballots. */
export function openPollForm({ poll = null, locked = false, texts }, send) {
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const form = h("form", { class: "make", novalidate: true },
    wrong,
    fields(poll, locked, texts),
    h("p", { class: "acts" },
      h("button", { class: "primary" }, texts.say(poll ? "host.save" : "home.create_poll")),
      h("button", { type: "button", class: "second", onclick: () => box.close() }, texts.say("host.cancel"))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { error = null } = await send(read(form, poll));
    if (!error) {
      box.close();
      return;
    }
    setText(wrong, wordsOf(error, texts));
    wrong.hidden = false;
    wrong.scrollIntoView({ block: "nearest" });
  });
  const box = openDialog({ title: texts.say(poll ? "host.edit_title" : "home.new_poll"), parts: [form], kind: "wide" });
  form.elements.title.focus();
  return box;
}
