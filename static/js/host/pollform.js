// The form in which a host makes or changes a poll. A refusal is shown in the form, above what was typed.

import { kindNames } from "../poll/kinds/index.js";
import { openDialog } from "../ui/dialog.js";
import { h, setText } from "../ui/dom.js";
import { formValues } from "./pollfields.js";

/** @import { ApiError, Poll } from "../net/wire.d.ts" */
/** @import { Children } from "../ui/dom.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { FormValues } from "./pollfields.js" */

const RESULTS = ["live", "after_vote", "after_close", "on_publish"];
const MAJORITIES = ["", "1/2", "2/3", "3/4"];
/** @type {Record<string, string>} the texts of the fields that an error may name */
const LABELS = { title: "home.question", options: "home.options", max_choices: "home.max", closes_in: "home.closes_in", quorum: "host.quorum", assurance: "home.assurance" };

/**
 * @param {string} label
 * @param {Children} control
 * @param {string} hint
 */
function field(label, control, hint = "") {
  return h("label", { class: "field" }, label, control, hint ? h("small", {}, hint) : null);
}

/**
 * @param {string} name
 * @param {string} value
 * @param {Record<string, unknown>} attributes
 */
function input(name, value, attributes = {}) {
  const element = h("input", { name, autocomplete: "off", ...attributes });
  element.value = value;
  return element;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string[]} choices
 * @param {(choice: string) => string} labelOf
 */
function select(name, value, choices, labelOf) {
  const element = h("select", { name }, choices.map((choice) => h("option", { value: choice }, labelOf(choice))));
  element.value = value;
  return element;
}

/**
 * @param {string} name
 * @param {boolean} checked
 * @param {string} label
 */
function checkbox(name, checked, label) {
  const element = h("input", { type: "checkbox", name });
  element.checked = checked;
  return h("label", { class: "check" }, element, label);
}

/**
 * @param {Poll | null} poll
 * @param {boolean} locked
 * @param {Texts} texts
 */
function fieldsOf(poll, locked, texts) {
  const say = (/** @type {string} */ key) => texts.say(key);
  const values = formValues(poll);
  const digits = { inputmode: "numeric", pattern: "[0-9]*" };
  const options = h("textarea", { name: "options", required: true, rows: "5", dir: "auto" });
  options.value = values.options;
  const line = [
    locked ? null : field(say("host.abstain"), input("abstain", values.abstain, { maxlength: "200", dir: "auto" }), say("host.abstain_hint")),
    locked ? null : field(say("home.kind"), select("kind", values.kind, kindNames(), (each) => (texts.has(`home.kind.${each}`) ? say(`home.kind.${each}`) : each))),
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
    checkbox("allow_change", values.allow_change, say("home.allow_change")),
    checkbox("compare", values.compare, say("host.compare")),
  ];
}

/**
 * Returns the values of a form; those it has no field for are as they were.
 * @param {HTMLFormElement} form
 * @param {Poll | null} poll
 * @returns {FormValues}
 */
function valuesOf(form, poll) {
  /** @type {Record<string, string | boolean>} */
  const values = { ...formValues(poll) };
  for (const control of /** @type {Iterable<HTMLInputElement>} */ (/** @type {unknown} */ (form.elements))) {
    if (control.name in values) values[control.name] = control.type === "checkbox" ? control.checked : control.value;
  }
  return /** @type {FormValues} */ (/** @type {unknown} */ (values));
}

/**
 * Returns an error of the server in words. Fields have the names that the form gives them.
 * @param {ApiError} error
 * @param {Texts} texts
 */
export function errorText(error, texts) {
  if (error.code === "unreached") return texts.say("host.not_sent");
  if (error.code === "gone") return texts.say("host.gone");
  const key = `error.${error.code}`;
  if (!error.fields && (error.code === "conflict" || !texts.has(key))) return error.message || error.code;
  const details = Object.entries(error.fields || {}).map(([name, reason]) => {
    const option = /^options\[(\d+)\]/.exec(name);
    const label = option ? `${texts.say("poll.option")} ${Number(option[1]) + 1}` : name in LABELS ? texts.say(LABELS[name]) : name;
    return `${label}: ${reason}.`;
  });
  return [texts.say(key), ...details].join(" ");
}

/**
 * Opens the form. `send` resolves with an `error` where the poll was refused, and anything else closes the form.
 * @param {{poll?: Poll | null, locked?: boolean, texts: Texts}} options `locked`: there are ballots, so that the options
 *   cannot change
 * @param {(values: FormValues) => Promise<{error?: ApiError}>} send
 */
export function openPollForm({ poll = null, locked = false, texts }, send) {
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const form = h("form", { class: "make", novalidate: true },
    wrong,
    fieldsOf(poll, locked, texts),
    h("p", { class: "acts" },
      h("button", { class: "primary" }, texts.say(poll ? "host.save" : "home.create_poll")),
      h("button", { type: "button", class: "second", onclick: () => dialog.close() }, texts.say("host.cancel"))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { error } = await send(valuesOf(form, poll));
    if (!error) {
      dialog.close();
      return;
    }
    setText(wrong, errorText(error, texts));
    wrong.hidden = false;
    wrong.scrollIntoView({ block: "nearest" });
  });
  const dialog = openDialog({ title: texts.say(poll ? "host.edit_title" : "home.new_poll"), parts: [form], kind: "wide" });
  /** @type {HTMLElement} */ (form.elements.namedItem("title")).focus();
  return dialog;
}
