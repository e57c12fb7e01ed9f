// A room on the projector: its newest messages, as many as fit, the newest below.

import { h, setText } from "../ui/dom.js";
import { lengthClass } from "../ui/length.js";
import { fittingCount } from "./fitting.js";
import { glide } from "./glide.js";
import { beginning } from "./longtext.js";
import { Ticker } from "./ticker.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { RoomScene } from "./scene.js" */
/** @import { Line } from "./ticker.js" */

/** A stream of messages has no end: the page keeps so many. */
const KEPT = 60;

/** @typedef {ReturnType<RoomPoster["makeRow"]>} Row */

export class RoomPoster {
  /**
   * @param {HTMLElement} stage
   * @param {{page: {roles: Record<string, string>}, texts: Texts, env: Environment, live: LiveStreams, redraw: () => void}} tools
   *   `roles` are the badges of those who have a role
   */
  constructor(stage, { page, texts, env, live, redraw }) {
    this.stage = stage;
    this.roles = page.roles;
    this.texts = texts;
    this.env = env;
    this.live = live;
    this.redraw = redraw;
    /** @type {ReturnType<RoomPoster["build"]> | null} */
    this.view = null;
    /** @type {number | null} */
    this.timer = null;
  }

  /** Another view takes the stage. */
  leave() {
    this.env.clearTimeout(this.timer);
    this.view = null;
  }

  /** @param {RoomScene} scene */
  update({ stream, room, values }) {
    if (!this.view || this.view.stream !== stream) this.view = this.build(stream);
    const { view } = this;
    setText(view.title, room.title);
    view.title.dataset.length = lengthClass(room.title);
    const messages = Object.keys(values).filter((key) => key.startsWith("message/")).map((key) => values[key]);
    messages.sort((a, b) => a.n - b.n);
    if (messages.length > KEPT * 2) {
      const first = messages[messages.length - KEPT].n;
      this.live.trim(stream, (key) => !key.startsWith("message/") || Number(key.slice(8)) >= first);
    }
    const standing = messages.filter((message) => !message.withdrawn).slice(-KEPT);
    const { lines, due } = view.ticker.take(standing, this.env.now());
    this.env.clearTimeout(this.timer);
    if (due !== null) this.timer = this.env.setTimeout(this.redraw, due);
    view.none.hidden = lines.length > 0;
    const structure = JSON.stringify([window.innerWidth, window.innerHeight, room.title, lines.map(facts)]);
    if (structure === view.structure) return;
    view.structure = structure;
    this.arrange(view, lines);
  }

  /** @param {string} stream */
  build(stream) {
    const title = h("h1", { dir: "auto" });
    const none = h("p", { class: "none", hidden: true }, this.texts.say("screen.no_messages"));
    const list = h("ol", { class: "list" });
    this.stage.replaceChildren(h("section", { class: "ticker" }, title, none, list));
    /** @type {Map<number, Row>} */
    const rows = new Map();
    return { stream, title, none, list, rows, ticker: new Ticker(), structure: "" };
  }

  /**
   * @param {NonNullable<RoomPoster["view"]>} view
   * @param {Line[]} lines
   */
  arrange({ list, rows }, lines) {
    glide(list, () => {
      const wanted = new Set(lines.map(({ n }) => n));
      for (const [n, row] of rows) {
        if (wanted.has(n)) continue;
        row.item.remove();
        rows.delete(n);
      }
      for (const line of lines) {
        const row = rows.get(line.n) || this.makeRow();
        rows.set(line.n, row);
        this.drawRow(row, line);
        row.item.hidden = false;
        if (row.item.parentNode !== list) list.append(row.item);
      }
      const newestFirst = [...lines].reverse().map(({ n }) => rows.get(n)).filter((row) => row !== undefined);
      const gap = parseFloat(getComputedStyle(list).rowGap) || 0;
      const fitting = fittingCount(newestFirst.map(({ item }) => item.offsetHeight), { gap, room: list.clientHeight });
      newestFirst.forEach(({ item }, place) => { item.hidden = place >= fitting; });
    });
  }

  makeRow() {
    const name = h("span", { class: "name", dir: "auto" });
    const badge = h("span", { class: "host" });
    const text = h("p", { class: "text", dir: "auto" });
    return { item: h("li", {}, h("p", { class: "by" }, name, " ", badge), text), name, badge, text };
  }

  /**
   * @param {Row} row
   * @param {Line} line
   */
  drawRow({ name, badge, text }, line) {
    setText(name, line.name);
    const role = this.roles[line.role] || "";
    badge.hidden = !role;
    setText(badge, role);
    setText(text, beginning(line.text));
  }
}

/** @param {Line} line */
function facts({ n, name, role, text }) {
  return [n, name, role, text];
}
