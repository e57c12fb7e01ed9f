// The questions of a wall on the projector: the one that is being answered above, then as many others as fit.

import { visibleQuestions } from "../question/order.js";
import { h, setText } from "../ui/dom.js";
import { lengthClass } from "../ui/length.js";
import { CalmOrder } from "./calmorder.js";
import { fittingCount } from "./fitting.js";
import { glide } from "./glide.js";
import { beginning } from "./longtext.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Question } from "../question/order.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { QuestionsScene } from "./scene.js" */

/** The most rows that any screen has room for. */
const MOST = 12;

/** @typedef {ReturnType<QuestionPoster["makeRow"]>} Row */

export class QuestionPoster {
  /**
   * @param {HTMLElement} stage
   * @param {{texts: Texts, number: FormatNumber, env: Environment, redraw: () => void}} tools
   */
  constructor(stage, { texts, number, env, redraw }) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.redraw = redraw;
    /** @type {ReturnType<QuestionPoster["build"]> | null} */
    this.view = null;
    /** @type {number | null} */
    this.timer = null;
  }

  /** Another view takes the stage. */
  leave() {
    this.env.clearTimeout(this.timer);
    this.view = null;
  }

  /** @param {QuestionsScene} scene */
  update({ stream, values }) {
    if (!this.view || this.view.stream !== stream) this.view = this.build(stream);
    const { view } = this;
    const { pinned, rows, due } = view.order.arrange(visibleQuestions(values), this.env.now());
    this.env.clearTimeout(this.timer);
    if (due !== null) this.timer = this.env.setTimeout(this.redraw, due);
    const listed = rows.slice(0, MOST);
    const size = [window.innerWidth, window.innerHeight];
    const structure = JSON.stringify([size, pinned && facts(pinned), listed.map(facts)]);
    if (structure !== view.structure) {
      view.structure = structure;
      this.arrange(view, pinned, listed);
    }
    for (const question of pinned ? [pinned, ...listed] : listed) this.drawVotes(view, question);
    const more = rows.length - view.fitting;
    setText(view.more, more > 0 ? this.texts.say("screen.more_questions", { n: this.number(more) }, more) : "");
  }

  /** @param {string} stream */
  build(stream) {
    const none = h("p", { class: "none", hidden: true }, this.texts.say("screen.no_questions"));
    const text = h("p", { class: "text", dir: "auto" });
    const votes = h("b");
    const word = h("span");
    const name = h("span", { class: "name", dir: "auto" });
    const article = h("article", { class: "pinned", hidden: true },
      h("p", { class: "now" }, this.texts.say("screen.answering")), text, h("p", { class: "by" }, votes, " ", word, " ", name));
    const list = h("ol", { class: "list" });
    const more = h("p", { class: "more" });
    const section = h("section", { class: "asked" }, h("h1", {}, this.texts.say("screen.questions")), none, article, list, more);
    this.stage.replaceChildren(section);
    /** @type {Map<number, Row>} */
    const rows = new Map();
    return { stream, section, none, list, more, rows, order: new CalmOrder(), structure: "", fitting: 0, article: { element: article, text, votes, word, name, n: 0 } };
  }

  /**
   * @param {NonNullable<QuestionPoster["view"]>} view
   * @param {Question | null} pinned
   * @param {Question[]} listed
   */
  arrange(view, pinned, listed) {
    const { article, list, section } = view;
    glide(list, () => {
      view.none.hidden = Boolean(pinned) || listed.length > 0;
      section.dataset.count = String(listed.length);
      article.element.hidden = !pinned;
      article.n = pinned ? pinned.n : 0;
      article.element.dataset.length = lengthClass(pinned ? pinned.text : "");
      setText(article.text, pinned ? beginning(pinned.text) : "");
      setText(article.name, pinned ? pinned.name : "");
      const wanted = new Set(listed.map(({ n }) => n));
      for (const [n, row] of view.rows) {
        if (wanted.has(n)) continue;
        row.item.remove();
        view.rows.delete(n);
      }
      for (const question of listed) {
        const row = view.rows.get(question.n) || this.makeRow();
        view.rows.set(question.n, row);
        this.drawRow(row, question);
        list.append(row.item);
      }
      for (const question of pinned ? [pinned, ...listed] : listed) this.drawVotes(view, question);
      const heights = listed.map(({ n }) => {
        const row = view.rows.get(n);
        if (!row) return 0;
        row.item.hidden = false;
        return row.item.offsetHeight;
      });
      const gap = parseFloat(getComputedStyle(list).rowGap) || 0;
      view.fitting = fittingCount(heights, { gap, room: list.clientHeight });
      listed.forEach(({ n }, place) => {
        const row = view.rows.get(n);
        if (row) row.item.hidden = place >= view.fitting;
      });
    });
  }

  makeRow() {
    const votes = h("b", { class: "votes" });
    const text = h("p", { class: "text", dir: "auto" });
    const done = h("span", { class: "done" }, this.texts.say("screen.answered"));
    const name = h("span", { class: "name", dir: "auto" });
    const by = h("p", { class: "by" }, done, " ", name);
    return { item: h("li", {}, votes, h("div", {}, text, by)), votes, text, done, name, by };
  }

  /**
   * @param {Row} row
   * @param {Question} question
   */
  drawRow(row, { state, text, name }) {
    row.item.dataset.state = state;
    setText(row.text, beginning(text));
    setText(row.name, name);
    row.done.hidden = state !== "answered";
    row.by.hidden = row.done.hidden && !name;
  }

  /**
   * @param {NonNullable<QuestionPoster["view"]>} view
   * @param {Question} question
   */
  drawVotes({ article, rows }, { n, votes }) {
    const row = rows.get(n);
    if (row) setText(row.votes, this.number(votes));
    if (article.n !== n) return;
    setText(article.votes, this.number(votes));
    setText(article.word, this.texts.say("screen.votes", {}, votes));
  }
}

/** @param {Question} question */
function facts({ n, state, text, name }) {
  return [n, state, text, name];
}
