// A task on the projector: its chart as large as it fits. Where that would be too small to read from the last row, a
// cell for each step and a line for those that matter now. Built once for a structure and a size, changed in place.

import { clockFace } from "../net/clock.js";
import { edgeState, shortened } from "../task/chartlayout.js";
import { h, setAttribute, setText, svg } from "../ui/dom.js";
import { arrange, cellSize, countsOf, worthALine } from "./posterlayout.js";
import { hasEnded, shapeOf } from "../task/states.js";
import { lengthClass } from "../poll/tally.js";
import { elapsed, expected, forecast, shareOf } from "../task/timing.js";
import { Badge } from "../task/badge.js";

const LEAST = 1.68; // letters, in hundredths of the screen's width
const LETTER = 0.58; // width of a letter in its height
const EDGE = 0.15; // room for the outlines of boxes at the edges

export class TaskPoster {
  constructor(stage, { texts, live, env, layouts }) {
    this.stage = stage;
    this.tools = { texts, live, env, layouts };
    this.leave();
  }

  leave() {
    this.stream = null;
    this.layout = null;
    this.scene = null;
    if (this.watcher) this.watcher.disconnect();
    this.watcher = null;
  }

  update({ stream, task, steps }) {
    if (stream !== this.stream) this.build(stream);
    this.scene = { task, steps };
    setText(this.title, task.title);
    this.title.dataset.length = lengthClass(task.title);
    this.badge.set(task.state);
    setText(this.reason, task.reason || "");
    const layout = this.tools.layouts.of(stream, steps);
    if (layout && layout !== this.layout) {
      this.layout = layout;
      this.draw();
    }
    this.show();
  }

  build(stream) {
    this.leave();
    this.stream = stream;
    this.title = h("h1", { dir: "auto" });
    this.badge = new Badge(this.tools.texts);
    this.done = h("span", { class: "progressed" });
    this.time = h("b", { class: "time" });
    this.rest = h("span", { class: "rest" });
    this.reason = h("span", { class: "reason", dir: "auto" });
    this.field = h("div", { class: "field" });
    this.stage.replaceChildren(h("section", { class: "task charted" }, this.title,
      h("p", { class: "sum" }, this.badge.element, this.time, this.rest, this.done, this.reason), this.field));
    this.watcher = new ResizeObserver(() => {
      if (!this.layout || !this.scene) return;
      this.draw();
      this.show();
    });
    this.watcher.observe(this.field);
  }

  /** Lays everything out anew: the structure or the size is another. */
  draw() {
    const view = { width: this.field.clientWidth, height: this.field.clientHeight };
    const unit = parseFloat(getComputedStyle(this.title).fontSize) / TITLES[this.title.dataset.length];
    if (!view.width || !view.height || !unit) return;
    this.nodes = new Map();
    this.lines = [];
    const inside = { width: view.width - EDGE * 2 * unit, height: view.height - EDGE * 2 * unit };
    const made = arrange(this.layout, inside, { unit, least: LEAST * unit });
    if (made) this.drawChart(made, view, unit);
    else this.drawCells(view, unit);
  }

  drawChart(made, view, unit) {
    const { width, height, font, lines } = made;
    const pad = 0.6 * unit;
    const inset = pad + 1.55 * font; // of a text beside its mark
    const beside = width - inset - pad - (lines === 1 ? 3 * font : 0);
    const says = lines === 3;
    this.edges = made.edges.map((edge) => ({ ...edge, line: svg("path", { class: "e", d: edge.d }) }));
    const boxes = made.nodes.map(({ name, x, y }) => {
      const base = lines === 1 ? height / 2 + 0.36 * font : height / 2 - (says ? 0.82 : 0.2) * font;
      const small = Math.max(0.82 * font, LEAST * unit);
      const text = (name, at, more = {}, said = null) => svg("text", { class: name, x: inset, y: at, "font-size": small, ...more }, said);
      const parts = {
        mark: svg("path", { class: "mark" }),
        line: lines === 1 ? text("m", base, { x: width - pad, "text-anchor": "end" }) : text("m", base + (says ? 1.15 : 1.35) * font),
        said: says ? text("m", base + 2.15 * font) : null,
        fill: svg("rect", { class: "fill", x: pad, y: height - 0.36 * font, height: 0.16 * font, rx: 0.08 * font, width: 0 }),
        lines, width: width - 2 * pad, room: Math.floor((width - inset - pad) / (LETTER * small)),
      };
      parts.element = svg("g", { class: "n", transform: `translate(${x} ${y})` },
        svg("rect", { class: "box", width, height, rx: Math.min(0.7 * unit, height / 4) }),
        svg("g", { transform: `translate(${pad} ${base - 0.92 * font}) scale(${(1.15 * font) / 18})` }, parts.mark),
        text("t", base, { "font-size": font }, shortened(name, Math.floor(beside / (LETTER * font)))),
        parts.line, parts.said, parts.fill);
      this.nodes.set(name, parts);
      return parts.element;
    });
    this.field.replaceChildren(svg("svg", { class: "graph", width: view.width, height: view.height, "aria-hidden": "true" },
      svg("g", { transform: `translate(${EDGE * unit} ${EDGE * unit})` }, this.edges.map((edge) => edge.line), boxes)));
  }

  drawCells(view, unit) {
    const count = this.layout.nodes.length;
    const most = { width: view.width, height: view.height * 0.45 };
    const size = cellSize(count, most, 3 * unit);
    const columns = Math.max(1, Math.floor(view.width / size));
    const order = [...this.layout.nodes].sort((a, b) => a.x - b.x || a.y - b.y);
    this.edges = [];
    const cells = order.map(({ name }, index) => {
      const parts = { mark: svg("path", { class: "mark" }), line: null, fill: null };
      const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
      parts.element = svg("g", { class: "n cell", transform: `translate(${x} ${y})` },
        svg("rect", { class: "box", width: size * 0.86, height: size * 0.86, rx: size * 0.14 }),
        svg("g", { transform: `translate(${size * 0.13} ${size * 0.13}) scale(${(size * 0.6) / 18})` }, parts.mark));
      this.nodes.set(name, parts);
      return parts.element;
    });
    const used = Math.ceil(count / columns) * size;
    const row = 2.3 * unit;
    const room = Math.max(2, Math.floor((view.height - used - 2 * unit) / row)) * (view.width > 50 * unit ? 2 : 1);
    this.lines = Array.from({ length: room }, () => {
      const line = { badge: new Badge(this.tools.texts), name: h("b", { dir: "auto" }), detail: h("span", { class: "detail", dir: "auto" }), time: h("span", { class: "time" }) };
      line.item = h("li", { class: "step" }, line.badge.element, h("span", { class: "what" }, line.name, line.detail), line.time);
      return line;
    });
    this.more = h("li", { class: "others" });
    const list = h("ol", { class: "steps matters" }, this.lines.map((line) => line.item), this.more);
    list.style.setProperty("--rows", String(Math.ceil(room / (view.width > 50 * unit ? 2 : 1))));
    this.field.replaceChildren(
      svg("svg", { class: "graph", width: view.width, height: used, "aria-hidden": "true" }, cells), list);
  }

  show() {
    const { task, steps } = this.scene;
    if (this.nodes) {
      for (const step of steps) this.set(step);
      const states = new Map(steps.map((step) => [step.name, step.state]));
      for (const { from, to, line } of this.edges) line.dataset.state = edgeState(states.get(from), states.get(to));
    }
    const { texts } = this.tools;
    const ended = steps.filter((step) => hasEnded(step.state)).length;
    const counted = this.lines && this.lines.length
      ? countsOf(steps).map(([state, n]) => texts.say("task.of_state", { n, state: texts.say(`state.${state}`) })).join(" · ")
      : texts.say("task.done", { n: ended, of: steps.length });
    setText(this.done, counted);
    this.task = task;
    this.tick();
  }

  set(step) {
    const parts = this.nodes.get(step.name);
    if (!parts) return;
    if (parts.element.dataset.state !== step.state) {
      parts.element.dataset.state = step.state;
      parts.mark.setAttribute("d", shapeOf(step.state));
    }
    if (parts.said) setText(parts.said, shortened(step.message || step.reason || "", parts.room));
  }

  /** Times run on between events. */
  tick() {
    if (!this.scene || !this.stream) return;
    const now = this.tools.live().clock.now();
    const { task, steps } = this.scene;
    setText(this.time, elapsed(task, now));
    setText(this.rest, expected(task, now, this.tools.texts));
    if (!this.nodes) return;
    for (const step of steps) {
      const parts = this.nodes.get(step.name);
      if (!parts || !parts.line) continue;
      setText(parts.line, shortened(this.line(step, now, parts.lines), parts.room));
      setAttribute(parts.fill, "width", Math.round(shareOf(step, now) * parts.width));
    }
    if (this.lines.length) this.list(steps, now);
  }

  line(step, now, lines) {
    const { texts } = this.tools;
    const time = elapsed(step, now);
    if (lines === 1) return time;
    const { kind, time: left } = forecast(step, now);
    const moving = step.state === "running" || step.state === "retrying";
    const percent = moving && typeof step.progress === "number" ? `${Math.floor(step.progress * 100)}%` : "";
    const ahead = !moving ? "" : kind === "left" ? texts.say("task.left_short", { time: clockFace(left) })
      : kind === "overdue" ? texts.say("task.is_overdue") : "";
    return [`${texts.say(`state.${step.state}`)} ${time}`.trim(), percent, ahead].filter(Boolean).join(" · ");
  }

  list(steps, now) {
    const { shown, more } = worthALine(steps, this.lines.length);
    this.lines.forEach((line, index) => {
      const step = shown[index];
      line.item.hidden = !step;
      if (!step) return;
      line.badge.set(step.state);
      setText(line.name, step.name);
      setText(line.detail, step.message || step.reason || "");
      setText(line.time, elapsed(step, now));
    });
    this.more.hidden = !more;
    setText(this.more, more ? this.tools.texts.say("task.others", { n: more }, more) : "");
  }
}

/** The sizes of titles in static/css/screen.css, in hundredths of the screen's width: they tell how long that is. */
const TITLES = { short: 3, medium: 2.6, long: 2.1, endless: 1.7 };
