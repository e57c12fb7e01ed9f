// A task on the projector: its chart, as large as it fits. Where the letters would be too small to read from the last
// row, a cell per step and a line for each step that matters now. Built once per structure and size, changed in place.

import { StateBadge } from "../task/badge.js";
import { edgeState } from "../task/chartlayout.js";
import { gatePolls, standingText } from "../task/gatesteps.js";
import { stepToShow } from "../task/hosts.js";
import { reasonOf, saidOf, stepsText } from "../task/stepwords.js";
import { elapsedText, forecast, forecastText, progressShare, progressText } from "../task/timing.js";
import { h, setAttribute, setText, svg } from "../ui/dom.js";
import { formatDuration } from "../ui/duration.js";
import { lengthClass, shorten } from "../ui/length.js";
import { HostPoster } from "./hostposter.js";
import { MIN_FONT, drawNode, makeBox, makeCell } from "./posterboxes.js";
import { cellSize, listedSteps, posterLayout, stateCounts, withoutHosts } from "./posterlayout.js";

/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Layout, Step, Stream } from "../net/wire.d.ts" */
/** @import { Size } from "../task/chartlayout.js" */
/** @import { HostStep } from "../task/hosts.js" */
/** @import { LayoutCache } from "../task/layoutcache.js" */
/** @import { LengthClass } from "../ui/length.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { StepNode } from "./posterboxes.js" */
/** @import { PosterLayout } from "./posterlayout.js" */
/** @import { TaskScene } from "./scene.js" */

const MARGIN = 0.15; // for the outlines of boxes at the edges, in the same hundredths
const TWO_COLUMNS = 50; // from this width on, in hundredths, the lines of text stand in two columns
/**
 * The sizes of titles in static/css/screen.css, in hundredths of the screen's width. The drawn size of a title divided
 * by its entry is the length of one hundredth in pixels.
 * @type {Record<LengthClass, number>}
 */
const TITLE_SIZES = { short: 3, medium: 2.6, long: 2.1, endless: 1.7 };

/** @typedef {{from: string, to: string, line: SVGPathElement}} Edge */

export class TaskPoster {
  /**
   * @param {HTMLElement} stage
   * @param {{texts: Texts, number: FormatNumber, live: LiveStreams, layouts: LayoutCache}} tools
   */
  constructor(stage, { texts, number, live, layouts }) {
    this.stage = stage;
    this.texts = texts;
    this.number = number;
    this.live = live;
    this.layouts = layouts;
    /** @type {TaskScene | null} */
    this.scene = null;
    /** @type {Layout | null} */
    this.layout = null;
    /** @type {ReturnType<TaskPoster["build"]> | null} */
    this.view = null;
  }

  /** Another view takes the stage. */
  leave() {
    if (this.view) {
      this.view.observer.disconnect();
      if (this.view.hosts) this.view.hosts.stop();
    }
    this.view = null;
    this.layout = null;
    this.scene = null;
  }

  /** @param {TaskScene} scene */
  update(scene) {
    const { stream, task, steps } = scene;
    if (!this.view || stream !== this.view.stream) {
      this.leave();
      this.view = this.build(stream);
    }
    const { view } = this;
    this.scene = scene;
    setText(view.title, task.title);
    view.title.dataset.length = lengthClass(task.title);
    view.badge.set(task.state);
    const standings = gatePolls(steps, task).map((poll) => standingText(this.live.state(poll).values, this));
    setText(view.reason, [reasonOf(task, steps, this.texts), ...standings].filter(Boolean).join(" · "));
    const layout = this.layouts.get(stream, steps);
    if (layout && layout !== this.layout) {
      this.layout = layout;
      this.draw();
    }
    this.showHosts(view, stepToShow(steps));
    this.show();
  }

  /** @param {Stream} stream */
  build(stream) {
    const title = h("h1", { dir: "auto" });
    const badge = new StateBadge(this.texts);
    const done = h("span", { class: "progressed" });
    const time = h("b", { class: "time" });
    const rest = h("span", { class: "rest" });
    const reason = h("span", { class: "reason", dir: "auto" });
    const field = h("div", { class: "field" });
    const section = h("section", { class: "task charted" }, title,
      h("p", { class: "sum" }, badge.element, time, rest, done, reason), field);
    this.stage.replaceChildren(section);
    const observer = new ResizeObserver(() => {
      if (!this.layout || !this.scene) return;
      this.draw();
      this.show();
    });
    observer.observe(field);
    /** @type {Map<string, StepNode>} */
    const nodes = new Map();
    /** @type {Edge[]} */
    const edges = [];
    /** @type {{nodes: typeof nodes, edges: Edge[], list: ReturnType<TaskPoster["makeLines"]> | null}} */
    const drawing = { nodes, edges, list: null };
    /** @type {{hosts: HostPoster | null}} */
    const fan = { hosts: null };
    return { stream, section, title, badge, done, time, rest, reason, field, observer, drawing, ...fan };
  }

  /**
   * Shows the hosts of a step below the chart; a task without hosts has the field to itself.
   * @param {NonNullable<TaskPoster["view"]>} view
   * @param {HostStep | null} step
   */
  showHosts(view, step) {
    view.section.classList.toggle("fanned", step !== null);
    if (step && !view.hosts) {
      view.hosts = new HostPoster(this);
      view.section.append(view.hosts.element);
    }
    if (view.hosts) view.hosts.update(step);
  }

  /** Lays everything out again, for another structure or another size. */
  draw() {
    const { view, layout } = this;
    if (!view || !layout) return;
    const { field, title } = view;
    const size = { width: field.clientWidth, height: field.clientHeight };
    const unit = parseFloat(getComputedStyle(title).fontSize) / TITLE_SIZES[lengthClass(title.textContent || "")];
    if (!size.width || !size.height || !unit) return;
    const inside = { width: size.width - MARGIN * 2 * unit, height: size.height - MARGIN * 2 * unit };
    const poster = posterLayout(withoutHosts(layout), inside, { unit, least: MIN_FONT * unit });
    if (poster) this.drawChart(view, poster, size, unit);
    else this.drawCells(view, layout, size, unit);
  }

  /**
   * @param {NonNullable<TaskPoster["view"]>} view
   * @param {PosterLayout} poster
   * @param {Size} size
   * @param {number} unit
   */
  drawChart(view, poster, size, unit) {
    const edges = poster.edges.map(({ from, to, d }) => ({ from, to, line: svg("path", { class: "e", d }) }));
    const nodes = new Map(poster.nodes.map((node) => [node.name, makeBox(node, poster, unit)]));
    view.drawing = { nodes, edges, list: null };
    view.field.replaceChildren(svg("svg", { class: "graph", width: size.width, height: size.height, "aria-hidden": "true" },
      svg("g", { transform: `translate(${MARGIN * unit} ${MARGIN * unit})` },
        edges.map((edge) => edge.line), [...nodes.values()].map((node) => node.element))));
  }

  /**
   * @param {NonNullable<TaskPoster["view"]>} view
   * @param {Layout} layout
   * @param {Size} field
   * @param {number} unit
   */
  drawCells(view, layout, field, unit) {
    const count = layout.nodes.length;
    const size = cellSize(count, { width: field.width, height: field.height * 0.45 }, 3 * unit);
    const columns = Math.max(1, Math.floor(field.width / size));
    const order = [...layout.nodes].sort((a, b) => a.x - b.x || a.y - b.y);
    const nodes = new Map(order.map(({ name }, index) => {
      const corner = { x: (index % columns) * size, y: Math.floor(index / columns) * size };
      return [name, makeCell(corner, size)];
    }));
    const used = Math.ceil(count / columns) * size;
    const listColumns = field.width > TWO_COLUMNS * unit ? 2 : 1;
    const room = Math.max(2, Math.floor((field.height - used - 2 * unit) / (2.3 * unit))) * listColumns;
    const list = this.makeLines(room);
    view.drawing = { nodes, edges: [], list };
    const element = h("ol", { class: "steps matters" }, list.lines.map(({ item }) => item), list.more);
    element.style.setProperty("--rows", String(Math.ceil(room / listColumns)));
    view.field.replaceChildren(
      svg("svg", { class: "graph", width: field.width, height: used, "aria-hidden": "true" }, [...nodes.values()].map((node) => node.element)),
      element);
  }

  /** @param {number} room */
  makeLines(room) {
    const lines = Array.from({ length: room }, () => {
      const badge = new StateBadge(this.texts);
      const name = h("b", { dir: "auto" });
      const detail = h("span", { class: "detail", dir: "auto" });
      const time = h("span", { class: "time" });
      const item = h("li", { class: "step" }, badge.element, h("span", { class: "what" }, name, detail), time);
      return { item, badge, name, detail, time };
    });
    return { lines, more: h("li", { class: "others" }) };
  }

  show() {
    const { view, scene } = this;
    if (!view || !scene) return;
    const { steps } = scene;
    const { nodes, edges, list } = view.drawing;
    for (const step of steps) drawNode(nodes.get(step.name), step, this.texts);
    const states = new Map(steps.map((step) => [step.name, step.state]));
    for (const { from, to, line } of edges) line.dataset.state = edgeState(states.get(from), states.get(to));
    const { texts } = this;
    const counts = list
      ? stateCounts(steps).map(([state, n]) => texts.say("task.of_state", { n, state: texts.say(`state.${state}`) })).join(" · ")
      : stepsText(steps, texts);
    setText(view.done, counts);
    this.tick();
  }

  /** Updates the times, which run on between events. */
  tick() {
    const { view, scene } = this;
    if (!view || !scene) return;
    const now = this.live.clock.now();
    const { task, steps } = scene;
    setText(view.time, elapsedText(task, now));
    setText(view.rest, forecastText(task, now, this.texts));
    for (const step of steps) {
      const node = view.drawing.nodes.get(step.name);
      if (!node || !node.text) continue;
      const { text } = node;
      setText(text.line, shorten(this.lineOf(step, now, text.lines), text.room));
      setAttribute(text.fill, "width", Math.round(progressShare(step, now) * text.width));
    }
    if (view.drawing.list) this.drawLines(view.drawing.list, steps, now);
  }

  /**
   * @param {Step} step
   * @param {number} now
   * @param {number} lines
   */
  lineOf(step, now, lines) {
    const { texts } = this;
    const elapsed = elapsedText(step, now);
    if (lines === 1) return elapsed;
    const { kind, time } = forecast(step, now);
    const isRunning = step.state === "running" || step.state === "retrying";
    const left = !isRunning ? "" : kind === "left" ? texts.say("task.left_short", { time: formatDuration(time) })
      : kind === "overdue" ? texts.say("task.is_overdue") : "";
    return [`${texts.say(`state.${step.state}`)} ${elapsed}`.trim(), progressText(step), left].filter(Boolean).join(" · ");
  }

  /**
   * @param {ReturnType<TaskPoster["makeLines"]>} list
   * @param {Step[]} steps
   * @param {number} now
   */
  drawLines(list, steps, now) {
    const { shown, more } = listedSteps(steps, list.lines.length);
    list.lines.forEach((line, index) => {
      const step = shown[index];
      line.item.hidden = !step;
      if (!step) return;
      line.badge.set(step.state);
      setText(line.name, step.name);
      setText(line.detail, saidOf(step, this.texts));
      setText(line.time, elapsedText(step, now));
    });
    list.more.hidden = !more;
    setText(list.more, more ? this.texts.say("task.others", { n: more }, more) : "");
  }
}
