// The tally as a table, for screen readers and for print: the same figures as the bars. Redrawn at most every ten
// seconds, because a screen reader in the middle of a row would lose its place.

import { h } from "../ui/dom.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Row } from "./tally.js" */

const GAP = 10_000;

/**
 * @typedef {object} TableContent
 * @property {string} title
 * @property {Row[]} rows
 * @property {number} ballots
 * @property {number} [previousRound] the number of the round before
 */

export class TallyTable {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, number: FormatNumber, env: Environment}} tools
   */
  constructor(element, { texts, number, env }) {
    this.element = element;
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.drawnAt = -Infinity;
    /** @type {number | null} */
    this.timer = null;
    /** @type {string | null} */
    this.key = null;
  }

  /**
   * @param {string} key names the poll, the round and the phase; a table with another key is drawn at once
   * @param {TableContent} content
   */
  update(key, content) {
    if (key !== this.key) {
      this.key = key;
      this.drawnAt = -Infinity;
    }
    this.env.clearTimeout(this.timer);
    const due = this.drawnAt + GAP - this.env.now();
    if (due <= 0) this.draw(content);
    else this.timer = this.env.setTimeout(() => this.draw(content), due);
  }

  clear() {
    this.env.clearTimeout(this.timer);
    this.key = null;
    this.element.replaceChildren();
  }

  /** @param {TableContent} content */
  draw({ title, rows, ballots, previousRound = 0 }) {
    this.drawnAt = this.env.now();
    const { texts } = this;
    const compared = rows.some((row) => row.before);
    const columns = ["poll.option", "poll.share", "poll.count"].map((key) => texts.say(key));
    if (compared) columns.push(`${texts.say("poll.share")}, ${texts.say("poll.round", { round: previousRound })}`);
    const head = columns.map((name) => h("th", { scope: "col" }, name));
    const body = rows.map((row) =>
      h("tr", {},
        h("th", { scope: "row", dir: "auto" }, `${row.number}. ${row.label}`, row.first ? ` (${texts.say("poll.most")})` : ""),
        h("td", {}, row.percent),
        h("td", {}, this.number(row.count)),
        compared ? h("td", {}, row.before ? row.before.percent : "–") : null));
    this.element.replaceChildren(
      h("caption", { dir: "auto" }, `${title} – ${texts.say("poll.ballots", { n: this.number(ballots) }, ballots)}`),
      h("thead", {}, h("tr", {}, head)),
      h("tbody", {}, body));
  }
}
