// The options on a phone. Where a ballot holds one choice and may be changed, a tap casts it; otherwise the voter marks
// the choices first and casts them with a button.

import { h, setText } from "../ui/dom.js";
import { lengthClass } from "../ui/length.js";
import { bar, previousBar } from "./bar.js";
import { kindOf } from "./kinds/index.js";
import { quorumText, resultSummary } from "./summary.js";
import { ballotCount, isCompared, isPublic, resultRows } from "./tally.js";

/** @import { Poll, Tally } from "../net/wire.d.ts" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { PollScene } from "../wall/scene.js" */
/** @import { Ballot } from "./ballot.js" */
/** @import { Row } from "./tally.js" */

/**
 * @typedef {object} ChoiceListener
 * @property {(choices: string[], code?: string) => void} cast
 * @property {(text: string) => void} announce speaks a text, also when it is the same one again
 * @property {() => void} redraw
 */

export class Choices {
  /**
   * @param {HTMLElement} stage
   * @param {{texts: Texts, number: FormatNumber, page?: {host?: boolean, code?: string}}} tools
   * @param {ChoiceListener} on
   */
  constructor(stage, { texts, number, page = {} }, on) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    this.on = on;
    this.isHost = Boolean(page.host);
    this.code = page.code || ""; // as it was scanned or typed
    this.warning = ""; // why the last tap was refused
    /** @type {string[] | null} option ids that are chosen and not yet cast */
    this.marked = null;
    /** @type {ReturnType<Choices["build"]> | null} */
    this.view = null;
  }

  /** Another view takes the stage. */
  leave() {
    this.view = null;
  }

  /**
   * @param {PollScene & {previous?: Tally | null}} scene `previous` is the tally of the round before, if it is compared
   * @param {Ballot} ballot
   */
  update({ stream, poll, tally, turnout, revealing, previous = null }, ballot) {
    const rows = resultRows(poll, tally, previous);
    const needsCode = ballot.needsCode && poll.phase === "open";
    const structure = JSON.stringify([stream, poll.title, poll.options, poll.round, poll.phase, poll.kind, poll.allow_change, poll.compare, needsCode]);
    if (!this.view || structure !== this.view.structure) {
      this.marked = null;
      this.warning = "";
      this.view = this.build(structure, poll, rows, needsCode);
    }
    const { view } = this;
    view.poll = poll;
    view.ballot = ballot;
    const chosen = this.marked || ballot.choices;
    const counted = tally && rows.some((row) => row.counted) ? tally : null;
    view.section.dataset.counted = String(counted !== null);
    for (const row of rows) this.drawRow(view, row, chosen.includes(row.id));
    setText(view.note, revealing ? this.texts.say("poll.revealing") : this.noteOf(poll, counted !== null));
    const summary = [
      quorumText(poll, ballotCount({ poll, tally, turnout }), this),
      counted ? resultSummary(poll, counted, previous, this) : "",
    ];
    setText(view.summary, summary.filter(Boolean).join(" · "));
    setText(view.warning, this.warning);
    if (view.button) this.drawButton(view, view.button, chosen);
  }

  /**
   * @param {string} structure
   * @param {Poll} poll
   * @param {Row[]} list
   * @param {boolean} needsCode
   */
  build(structure, poll, list, needsCode) {
    const rows = new Map(list.map((row) => [row.id, this.makeRow(poll, row)]));
    const input = needsCode ? this.makeCodeInput() : null;
    const button = poll.phase === "open" && (needsCode || !kindOf(poll.kind).castsOnTap(poll))
      ? h("button", { type: "button", class: "primary cast", onclick: () => this.castMarked() }, this.texts.say("vote.cast"))
      : null;
    const note = h("p", { class: "note" });
    const summary = h("p", { class: "note facts" });
    const warning = h("p", { class: "over" });
    const section = h("section", { class: "poll", "data-phase": poll.phase },
      h("h1", { dir: "auto", id: "question", "data-length": lengthClass(poll.title) }, poll.title),
      h("ul", { class: "choices", "aria-labelledby": "question" }, [...rows.values()].map(({ item }) => item)),
      input ? h("label", { class: "field" }, this.texts.say("vote.code"), input) : null,
      warning, button, note, summary);
    this.stage.replaceChildren(section);
    return { structure, poll, ballot: /** @type {Ballot | null} */ (null), section, rows, input, button, note, summary, warning };
  }

  /**
   * @param {Poll} poll
   * @param {Row} row
   */
  makeRow(poll, row) {
    const { element, set } = bar(row);
    const percent = h("b", { class: "percent", "aria-hidden": "true" });
    const previous = isCompared(poll) && !row.abstain ? previousBar() : null;
    const before = previous ? h("small", { class: "before", "aria-hidden": "true" }) : null;
    const content = [
      element,
      h("span", { class: kindOf(poll.kind).markClass, "aria-hidden": "true" }),
      h("span", { class: "label" }, row.label),
      percent, before, previous && previous.element,
    ];
    const attributes = { class: `choice edge${row.colour}`, dir: "auto" };
    const face = poll.phase === "open"
      ? h("button", { ...attributes, type: "button", "aria-pressed": "false", onclick: () => this.tap(row.id) }, ...content)
      : h("div", attributes, ...content);
    return { item: h("li", {}, face), face, percent, set, previous, before };
  }

  /** The field for the code on the voter's paper. A code that was scanned is in it already. */
  makeCodeInput() {
    const attributes = { class: "code", name: "code", maxlength: "40", autocomplete: "off", autocapitalize: "characters", autocorrect: "off", spellcheck: "false" };
    const input = h("input", { ...attributes, oninput: () => { this.code = input.value; } });
    input.value = this.code;
    return input;
  }

  /**
   * @param {NonNullable<Choices["view"]>} view
   * @param {Row} row
   * @param {boolean} chosen
   */
  drawRow(view, row, chosen) {
    const parts = view.rows.get(row.id);
    if (!parts) return;
    const { face, percent, set, previous, before } = parts;
    if (previous && before) {
      face.classList.toggle("compared", Boolean(row.before));
      previous.set(row.before ? row.before.share : 0);
      setText(before, row.before ? this.texts.say("poll.before", { share: row.before.percent }) : "");
    }
    set(row.counted ? row.share : 0);
    setText(percent, !row.counted ? "" : row.abstain ? this.number(row.count) : row.percent);
    face.classList.toggle("on", chosen);
    face.classList.toggle("sent", chosen && Boolean(view.ballot && view.ballot.pending));
    face.classList.toggle("first", row.first);
    if (face instanceof HTMLButtonElement) {
      face.setAttribute("aria-pressed", String(chosen));
      face.disabled = this.isFinal(view);
    }
  }

  /** @param {NonNullable<Choices["view"]>} view */
  isFinal({ poll, ballot }) {
    return !poll.allow_change && Boolean(ballot && ballot.stored.receipt);
  }

  /**
   * @param {NonNullable<Choices["view"]>} view
   * @param {HTMLButtonElement} button
   * @param {string[]} chosen
   */
  drawButton(view, button, chosen) {
    const { ballot } = view;
    const stored = ballot ? [...ballot.stored.choices].sort().join() : "";
    const isSame = !this.marked || [...this.marked].sort().join() === stored;
    // Not `disabled`: that would take the focus away from whoever has just pressed the button.
    button.setAttribute("aria-disabled", String(isSame || !chosen.length || Boolean(ballot && ballot.pending)));
    button.hidden = this.isFinal(view);
    setText(button, this.texts.say(ballot && ballot.stored.receipt ? "vote.cast_again" : "vote.cast"));
  }

  /** @param {string} id */
  tap(id) {
    if (!this.view) return;
    const { poll, ballot, input } = this.view;
    const kind = kindOf(poll.kind);
    if (kind.castsOnTap(poll) && !input) {
      this.on.cast([id]);
      return;
    }
    const isAbstention = (/** @type {string} */ each) => poll.options.some((option) => option.id === each && option.abstain);
    // A voter who abstains cannot choose anything else.
    const others = (this.marked || (ballot ? ballot.choices : [])).filter((each) => isAbstention(each) === isAbstention(id));
    const marked = kind.mark(poll, others, id);
    if (!marked) {
      // One choice too many: every choice stays as it is, and a warning says why.
      this.warn(this.texts.say("vote.full", { n: poll.max_choices }, poll.max_choices));
      return;
    }
    this.marked = marked;
    this.warning = "";
    this.on.redraw();
  }

  /** @param {string} text */
  warn(text) {
    this.warning = text;
    this.on.announce(text);
    this.on.redraw();
  }

  castMarked() {
    if (!this.view) return;
    const { poll, input, button } = this.view;
    if (button && button.getAttribute("aria-disabled") === "true") return;
    const marked = this.marked || [];
    const choices = poll.options.map((option) => option.id).filter((id) => marked.includes(id));
    if (input && !this.code.trim()) {
      this.warn(this.texts.say("vote.code_missing"));
      input.focus();
      return;
    }
    this.warning = "";
    if (input) {
      // The marks stay until the ballot is stored: a code is easily mistyped.
      this.on.cast(choices, this.code);
      return;
    }
    this.marked = null;
    this.on.cast(choices);
  }

  /**
   * @param {Poll} poll
   * @param {boolean} counted
   */
  noteOf(poll, counted) {
    const hostsOnly = this.isHost && counted && !isPublic(poll) ? this.texts.say("poll.hosts_only") : "";
    if (poll.phase === "closed") return counted ? hostsOnly : this.texts.say("poll.closed_hidden");
    const parts = [];
    const invitation = kindOf(poll.kind).invitation(poll, this.texts);
    if (invitation) parts.push(invitation);
    if (!poll.allow_change) parts.push(this.texts.say("vote.final"));
    if (!counted) parts.push(this.texts.say(`poll.hidden.${poll.results}`));
    if (hostsOnly) parts.push(hostsOnly);
    return parts.join(" ");
  }
}
