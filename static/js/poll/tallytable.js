// The tally as a table, for screen readers and for print: the same figures as the bars, renewed at most every
// ten seconds so that a reader in the middle of a row is left in peace.

import { h } from "../ui/dom.js";

const GAP = 10_000;

export class Twin {
  constructor(element, { texts, number, env }) {
    this.element = element;
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.shownAt = -Infinity;
    this.timer = null;
    this.key = null;
  }

  /** `key` names poll, round and phase: another one is shown at once. `before` is the number of the round before. */
  update(key, title, rows, ballots, before = 0) {
    this.draw = () => this.render(title, rows, ballots, before);
    if (key !== this.key) {
      this.key = key;
      this.shownAt = -Infinity;
    }
    this.env.clearTimeout(this.timer);
    const due = this.shownAt + GAP - this.env.now();
    if (due <= 0) this.draw();
    else this.timer = this.env.setTimeout(() => this.draw(), due);
  }

  clear() {
    this.env.clearTimeout(this.timer);
    this.key = null;
    this.element.replaceChildren();
  }

  render(title, rows, ballots, before) {
    this.shownAt = this.env.now();
    const say = (key, values, count) => this.texts.say(key, values, count);
    const compared = rows.some((row) => row.before);
    const names = ["poll.option", "poll.share", "poll.count"].map((key) => say(key));
    if (compared) names.push(`${say("poll.share")}, ${say("poll.round", { round: before })}`);
    const head = names.map((name) => h("th", { scope: "col" }, name));
    const body = rows.map((row) =>
      h("tr", {},
        h("th", { scope: "row", dir: "auto" }, `${row.number}. ${row.label}`, row.first ? ` (${say("poll.most")})` : ""),
        h("td", {}, row.percent),
        h("td", {}, this.number(row.count)),
        compared ? h("td", {}, row.before ? row.before.percent : "–") : null));
    this.element.replaceChildren(
      h("caption", { dir: "auto" }, `${title} – ${say("poll.ballots", { n: this.number(ballots) }, ballots)}`),
      h("thead", {}, h("tr", {}, head)),
      h("tbody", {}, body));
  }
}
