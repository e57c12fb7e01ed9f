// The options on a phone. Where a ballot may be changed and holds one choice, a tap casts it; otherwise the choices
// are marked first and cast with a button.

import { h, setText } from "../ui/dom.js";
import { beside, quorum } from "./summary.js";
import { ballots, isCompared, isPublic, lengthClass, rows } from "./tally.js";
import { bar, ghost } from "./bar.js";

/** Does a tap cast the ballot at once? */
export function castsAtOnce(poll) {
  return poll.kind === "single" && poll.allow_change;
}

export class Choices {
  /** `cast(choices, code)` is called with the option ids to be sent, `tell(text)` with what a tap was refused for. */
  constructor(stage, { texts, number, page = {} }, cast, tell = () => {}) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    this.host = Boolean(page.host);
    this.code = page.code || ""; // as it was scanned or typed
    this.cast = cast;
    this.tell = tell;
    this.full = ""; // why the last tap was refused
    this.structure = null;
    this.marked = null; // option ids chosen but not yet cast
  }

  leave() {
    this.structure = null;
  }

  /** `earlier` is the tally of the round before, where it is drawn beside this one. */
  update({ stream, poll, tally, turnout, revealing, earlier = null }, ballot) {
    const list = rows(poll, tally, earlier);
    const needsCode = Boolean(ballot.needsCode) && poll.phase === "open";
    const structure = JSON.stringify([stream, poll.title, poll.options, poll.round, poll.phase, poll.kind, poll.allow_change, poll.compare, needsCode]);
    if (structure !== this.structure) {
      this.marked = null;
      this.full = "";
      this.needsCode = needsCode;
      this.build(poll, list);
    }
    this.structure = structure;
    this.poll = poll;
    this.ballot = ballot;
    const chosen = this.marked || ballot.choices;
    const counted = list.some((row) => row.counted);
    this.section.dataset.counted = String(counted);
    for (const row of list) this.set(row, chosen.includes(row.id), ballot);
    setText(this.note, revealing ? this.texts.say("poll.revealing") : this.noteOf(poll, counted));
    setText(this.facts, [quorum(poll, ballots({ poll, tally, turnout }), this), counted ? beside(poll, tally, earlier, this) : ""].filter(Boolean).join(" · "));
    setText(this.over, this.full);
    if (this.button) this.setButton(chosen, ballot);
  }

  build(poll, list) {
    this.rows = new Map();
    const open = poll.phase === "open";
    const items = list.map((row) => {
      const drawn = bar(row);
      const percent = h("b", { class: "percent", "aria-hidden": "true" });
      const thin = isCompared(poll) && !row.abstain ? ghost() : null;
      const before = thin ? h("small", { class: "before", "aria-hidden": "true" }) : null;
      const tag = open ? "button" : "div";
      const attributes = { class: `choice edge${row.colour}`, dir: "auto", ...(open ? { type: "button", "aria-pressed": "false" } : {}) };
      const face = h(tag, attributes,
        drawn.element,
        h("span", { class: poll.kind === "multi" ? "mark box" : "mark", "aria-hidden": "true" }),
        h("span", { class: "label" }, row.label),
        percent,
        before,
        thin && thin.element);
      if (open) face.addEventListener("click", () => this.tap(row.id));
      this.rows.set(row.id, { face, percent, set: drawn.set, thin, before });
      return h("li", {}, face);
    });
    this.note = h("p", { class: "note" });
    this.facts = h("p", { class: "note facts" });
    this.over = h("p", { class: "over" });
    this.field = this.needsCode ? this.codeField() : null;
    this.button = open && (this.needsCode || !castsAtOnce(poll))
      ? h("button", { type: "button", class: "primary cast", onclick: () => this.castMarked() }, this.texts.say("vote.cast"))
      : null;
    this.section = h("section", { class: "poll", "data-phase": poll.phase },
      h("h1", { dir: "auto", id: "question", "data-length": lengthClass(poll.title) }, poll.title),
      h("ul", { class: "choices", "aria-labelledby": "question" }, items),
      this.field, this.over, this.button, this.note, this.facts);
    this.stage.replaceChildren(this.section);
  }

  /** Where the code on one's paper is typed; a scanned one stands there already. */
  codeField() {
    const attributes = { class: "code", name: "code", maxlength: "40", autocomplete: "off", autocapitalize: "characters", autocorrect: "off", spellcheck: "false" };
    this.input = h("input", { ...attributes, oninput: () => { this.code = this.input.value; } });
    this.input.value = this.code;
    return h("label", { class: "field" }, this.texts.say("vote.code"), this.input);
  }

  set(row, chosen, ballot) {
    const { face, percent, set, thin, before } = this.rows.get(row.id);
    if (thin) {
      face.classList.toggle("compared", Boolean(row.before));
      thin.set(row.before ? row.before.share : 0);
      setText(before, row.before ? this.texts.say("poll.before", { share: row.before.percent }) : "");
    }
    set(row.counted ? row.share : 0);
    setText(percent, !row.counted ? "" : row.abstain ? this.number(row.count) : row.percent);
    face.classList.toggle("on", chosen);
    face.classList.toggle("sent", chosen && Boolean(ballot.wish));
    face.classList.toggle("first", row.first);
    if (face.tagName === "BUTTON") {
      face.setAttribute("aria-pressed", String(chosen));
      face.disabled = this.isFinal(ballot);
    }
  }

  isFinal(ballot) {
    return !this.poll.allow_change && Boolean(ballot.safe.receipt);
  }

  setButton(chosen, ballot) {
    const same = !this.marked || [...this.marked].sort().join() === [...ballot.safe.choices].sort().join();
    // Not `disabled`: that would take the focus away from whoever has just pressed it.
    this.button.setAttribute("aria-disabled", String(same || !chosen.length || Boolean(ballot.wish)));
    this.button.hidden = this.isFinal(ballot);
    setText(this.button, this.texts.say(ballot.safe.receipt ? "vote.cast_again" : "vote.cast"));
  }

  tap(id) {
    if (castsAtOnce(this.poll) && !this.needsCode) {
      this.cast([id]);
      return;
    }
    const held = this.marked || this.ballot.choices;
    const abstains = (each) => this.poll.options.some((option) => option.id === each && option.abstain);
    const before = held.filter((each) => abstains(each) === abstains(id)); // who abstains chooses nothing else
    if (this.poll.kind === "single") this.marked = [id];
    else if (before.includes(id)) this.marked = before.filter((other) => other !== id);
    else if (before.length >= this.poll.max_choices) {
      this.refuse();
      return;
    } else this.marked = [...before, id];
    this.full = "";
    this.changed();
  }

  /** One choice too many: nothing that was chosen is dropped, and it is said. */
  refuse() {
    const most = this.poll.max_choices;
    this.full = this.texts.say("vote.full", { n: most }, most);
    this.tell(this.full);
    this.changed();
  }

  castMarked() {
    if (this.button.getAttribute("aria-disabled") === "true") return;
    this.full = "";
    const order = this.poll.options.map((option) => option.id);
    const choices = order.filter((id) => this.marked.includes(id));
    if (this.needsCode) {
      // What was marked stays: a code is easily mistyped.
      if (this.code.trim()) this.cast(choices, this.code);
      else this.askForCode();
      return;
    }
    this.marked = null;
    this.cast(choices);
  }

  askForCode() {
    this.full = this.texts.say("vote.code_missing");
    this.tell(this.full);
    this.changed();
    this.input.focus();
  }

  noteOf(poll, counted) {
    const hostsOnly = this.host && counted && !isPublic(poll) ? this.texts.say("poll.hosts_only") : "";
    if (poll.phase === "closed") return counted ? hostsOnly : this.texts.say("poll.closed_hidden");
    const parts = [];
    if (poll.kind === "multi") parts.push(this.texts.say("vote.up_to", { n: poll.max_choices }, poll.max_choices));
    if (!poll.allow_change) parts.push(this.texts.say("vote.final"));
    if (!counted) parts.push(this.texts.say(`poll.hidden.${poll.results}`));
    if (hostsOnly) parts.push(hostsOnly);
    return parts.join(" ");
  }
}
