// The tally as a table, for screen readers and for print: the same figures as the bars. Redrawn at most every ten
// seconds.

import { h } from "../ui/dom.js";
import { Throttle } from "../ui/throttle.js";

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
    /** @type {string | null} */
    this.key = null;
    /** @type {TableContent | null} */
    this.content = null;
    this.throttle = new Throttle(env, GAP, () => this.draw());
  }

  /**
   * @param {string} key names the poll, the round and the phase; a table with another key is drawn at once
   * @param {TableContent} content
   */
  update(key, content) {
    const isNew = key !== this.key;
    this.key = key;
    this.content = content;
    this.throttle.request({ isNew });
  }

  clear() {
    this.throttle.stop();
    this.key = null;
    this.element.replaceChildren();
  }

  draw() {
    const { content, texts } = this;
    if (!content) return;
    const { title, rows, ballots, previousRound = 0 } = content;
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
