// The chart of a task: built once per structure. A change of state changes attributes and texts and makes no element.

import { h, setAttribute, setText, svg } from "../ui/dom.js";
import { formatDuration } from "../ui/duration.js";
import { shorten } from "../ui/length.js";
import { Camera, startScale } from "./camera.js";
import { BOX, edgeState, linePath, nameLines, neighborStep } from "./chartlayout.js";
import { hasHosts, progressOf, progressParts, unitOf } from "./hosts.js";
import { drawHostCells, makeNodeHosts } from "./nodehosts.js";
import { shapeOf } from "./states.js";
import { saidOf } from "./stepwords.js";
import { elapsedText, forecast, progressShare, progressText } from "./timing.js";

/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Layout, Step, Task } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */

/** Letters in a line. */
const NAME_ROOM = 18;
const LINE_ROOM = 25;
const HOSTS_ROOM = 23;
/** The states in whose neighbourhood a chart begins that is too large for its window. */
const ANCHOR_STATES = ["failed", "lost", "running", "retrying", "waiting"];

/**
 * Returns the step around which a large chart is shown; null if one is as good as another.
 * @param {Step[]} steps
 */
function anchorStep(steps) {
  for (const state of ANCHOR_STATES) {
    const step = steps.find((each) => each.state === state);
    if (step) return step;
  }
  return null;
}

/**
 * Returns the step that is worth looking at first.
 * @param {Step[]} steps
 */
export function mostRelevantStep(steps) {
  const firstIn = (/** @type {string[]} */ ...states) => steps.find((step) => states.includes(step.state));
  const started = steps.filter((step) => step.started_at).sort((a, b) => ((a.started_at || "") < (b.started_at || "") ? 1 : -1));
  return firstIn("failed", "lost") || firstIn("running", "retrying") || firstIn("waiting") || started[0] || steps[0] || null;
}

/**
 * Returns what a step is doing or why it ended; of one with hosts also on which of them it failed, and its wave.
 * @param {Step} step
 * @param {Texts} texts
 */
function messageOf(step, texts) {
  const said = saidOf(step, texts);
  if (said || !hasHosts(step)) return said;
  const [, ...parts] = progressParts({ ...progressOf(step), skipped: 0 }, texts, 2);
  return parts.join(" · ");
}

/** @typedef {ReturnType<Chart["build"]>} View */

export class Chart {
  /**
   * @param {HTMLElement} element the box as the template made it
   * @param {{texts: Texts, live: LiveStreams}} tools
   */
  constructor(element, { texts, live }) {
    this.element = element;
    this.texts = texts;
    this.live = live;
    /** @type {Layout | null} */
    this.layout = null;
    /** @type {Step[]} */
    this.steps = [];
    /** @type {string | null} the name of the step whose log is shown */
    this.chosen = null;
    /** @type {string | null} the host whose log is shown, of a step with hosts */
    this.host = null;
    /** @type {View | null} */
    this.view = null;
    /** @type {string | null} the name of the step that was brought into view last */
    this.anchor = null;
  }

  /**
   * `layout` may still be that of an older structure: a step that it does not know is not drawn.
   * @param {{task: Task, steps: Step[], layout: Layout | null}} content
   */
  update({ task, steps, layout }) {
    const structure = layout ? JSON.stringify(layout) : null;
    if (layout && structure && layout !== this.layout && (!this.view || structure !== this.view.structure)) {
      this.view = this.build(structure, layout, steps, task);
    }
    this.layout = layout || this.layout;
    this.steps = steps;
    if (!this.view) return;
    for (const step of steps) this.drawStep(this.view, step);
    const states = new Map(steps.map((step) => [step.name, step.state]));
    for (const { from, to, line } of this.view.edges) {
      const state = edgeState(states.get(from), states.get(to));
      if (line.dataset.state !== state) line.dataset.state = state;
    }
    const anchor = anchorStep(steps);
    if (anchor && anchor.name !== this.anchor && this.layout) this.view.camera.follow(placeOf(this.layout, anchor.name));
    this.anchor = anchor ? anchor.name : null;
    this.tick();
  }

  /**
   * @param {string} structure
   * @param {Layout} layout
   * @param {Step[]} steps
   * @param {Task} task
   */
  build(structure, layout, steps, task) {
    const { texts } = this;
    const byName = new Map(steps.map((step) => [step.name, step]));
    const nodes = new Map(layout.nodes.map((node) => [node.name, makeNode(node, byName.get(node.name))]));
    const edges = layout.edges.map(({ from, to, points }) => ({ from, to, line: svg("path", { class: "e", d: linePath(points) }) }));
    const world = svg("g", { class: "world" }, edges.map(({ line }) => line), [...nodes.values()].map(({ element }) => element));
    const graph = svg("svg", { class: "graph", role: "group", "aria-label": texts.say("task.chart", { title: task.title }) }, world);
    const camera = new Camera(graph, world);
    /** @type {(name: string, sign: string, key: string) => HTMLElement} */
    const zoomButton = (name, sign, key) => h("button", { type: "button", class: name, "aria-label": texts.say(`task.${name}`),
      title: texts.say(`task.${name}`), onclick: () => camera.key(key) }, sign);
    this.element.replaceChildren(graph, h("div", { class: "zoom" },
      zoomButton("zoom_in", "+", "+"), zoomButton("zoom_out", "−", "-"), zoomButton("zoom_fit", texts.say("task.all"), "0")));
    graph.addEventListener("keydown", (event) => this.key(event));
    graph.addEventListener("click", (event) => pressHost(event));
    graph.addEventListener("focusin", (event) => this.focused(event.target));
    this.setHeight(layout);
    const anchor = steps.find((step) => step.name === this.chosen) || anchorStep(steps);
    camera.show(layout, anchor ? placeOf(layout, anchor.name) : null);
    const first = mostRelevantStep(steps);
    const chosen = nodes.get(this.chosen || "");
    const tabStop = chosen || nodes.get(first ? first.name : "");
    if (tabStop) tabStop.element.setAttribute("tabindex", "0");
    markChosen(chosen, this.host, true);
    return { structure, nodes, edges, camera };
  }

  /**
   * Gives the chart no more height than it needs, so that the log below gets the rest.
   * @param {Layout} layout
   */
  setHeight(layout) {
    const scale = Math.min(1.25, (this.element.clientWidth - 48) / Math.max(1, layout.width));
    this.element.style.setProperty("--high", `${Math.round(layout.height * startScale(layout, scale) + 104)}px`);
  }

  /**
   * @param {View} view
   * @param {Step} step
   */
  drawStep(view, step) {
    const node = view.nodes.get(step.name);
    if (!node) return;
    if (node.element.dataset.state !== step.state) {
      node.element.dataset.state = step.state;
      node.mark.setAttribute("d", shapeOf(step.state));
    }
    const message = messageOf(step, this.texts);
    setText(node.message, shorten(message, hasHosts(step) ? HOSTS_ROOM : LINE_ROOM));
    const done = hasHosts(step) ? progressParts(progressOf(step), this.texts) : [progressText(step)];
    const said = saidOf(step, this.texts);
    const label = [step.name, this.texts.say(`state.${step.state}`), ...done, said].filter(Boolean).join(", ");
    if (node.hosts && hasHosts(step)) drawHostCells(node.hosts, step, this.texts);
    setAttribute(node.element, "aria-label", label);
    setText(node.title, label);
  }

  /** Updates the times, which run on between events. */
  tick() {
    if (!this.view) return;
    const now = this.live.clock.now();
    for (const step of this.steps) {
      const node = this.view.nodes.get(step.name);
      if (!node) continue;
      setText(node.line, shorten(this.lineOf(step, now), LINE_ROOM));
      setAttribute(node.fill, "width", Math.round(progressShare(step, now) * (BOX.width - 32)));
    }
  }

  /**
   * Returns a line such as "running 1:12 · 61% · 0:40 left".
   * @param {Step} step
   * @param {number} now
   */
  lineOf(step, now) {
    const { texts } = this;
    const { kind, time } = forecast(step, now);
    const attempt = step.attempt && step.attempt > 1 ? texts.say("task.attempt", { n: step.attempt }) : "";
    const isRunning = step.state === "running" || step.state === "retrying";
    const left = !isRunning ? "" : kind === "left" ? texts.say("task.left_short", { time: formatDuration(time) })
      : kind === "overdue" ? texts.say("task.is_overdue") : "";
    const state = `${texts.say(`state.${step.state}`)} ${elapsedText(step, now)}`.trim();
    if (hasHosts(step)) {
      const { succeeded, total } = progressOf(step);
      return [state, `${succeeded}/${total}`, left].filter(Boolean).join(" · ");
    }
    return [state, progressText(step), left, attempt].filter(Boolean).join(" · ");
  }

  /**
   * Marks the step whose log is shown, and its host.
   * @param {string} name
   * @param {string | null} host
   */
  choose(name, host = null) {
    if (this.view) markChosen(this.view.nodes.get(this.chosen || ""), this.host, false);
    [this.chosen, this.host] = [name, host];
    if (this.view) markChosen(this.view.nodes.get(name), host, true);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.view || !this.layout || event.ctrlKey || event.metaKey || event.altKey) return;
    const element = stepElement(event.target);
    const name = element && neighborStep(this.layout, element.dataset.step || "", event.key);
    const next = this.view.nodes.get(name || "");
    if (next) next.element.focus({ preventScroll: true });
    // A link is followed with Enter; element Space does it too.
    else if (event.key === " " && element) element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    else if (!this.view.camera.key(event.key) && !event.key.startsWith("Arrow")) return;
    event.preventDefault();
  }

  /**
   * Leaves one step to the Tab key, the one that had the focus last, and brings it into view.
   * @param {EventTarget | null} target
   */
  focused(target) {
    const focusedStep = stepElement(target);
    if (!focusedStep || !this.view || !this.layout) return;
    for (const { element } of this.view.nodes.values()) if (element.getAttribute("tabindex") === "0") element.setAttribute("tabindex", "-1");
    focusedStep.setAttribute("tabindex", "0");
    const node = placeOf(this.layout, focusedStep.dataset.step || "");
    if (node && focusedStep.matches(":focus-visible")) this.view.camera.reveal(node);
  }
}

/**
 * @param {ReturnType<typeof makeNode> | undefined} node
 * @param {string | null} host
 * @param {boolean} isChosen
 */
function markChosen(node, host, isChosen) {
  if (!node) return;
  if (isChosen) node.element.setAttribute("aria-current", "true");
  else node.element.removeAttribute("aria-current");
  const cell = node.hosts && node.hosts.element.querySelector(`[data-host="${CSS.escape(host || "")}"]`);
  if (cell) cell.classList.toggle("chosen", isChosen);
}

/**
 * Follows a press on the cell of a host to its log; the step around it is a link to the step.
 * @param {MouseEvent} event
 */
function pressHost(event) {
  const cell = event.target instanceof Element ? event.target.closest("[data-host]") : null;
  const step = stepElement(cell);
  if (!(cell instanceof SVGElement) || !step || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  location.hash = new URLSearchParams({ step: unitOf(step.dataset.step || "", cell.dataset.host || "") }).toString();
}

/**
 * @param {EventTarget | null} target
 * @returns {SVGElement | null}
 */
function stepElement(target) {
  return target instanceof Element ? target.closest("[data-step]") : null;
}

/**
 * @param {Layout} layout
 * @param {string} name
 */
function placeOf(layout, name) {
  return layout.nodes.find((node) => node.name === name) || null;
}

/**
 * @param {Layout["nodes"][number]} node
 * @param {Step | undefined} step
 */
function makeNode({ name, x, y, height = BOX.height }, step) {
  const lines = nameLines(name, NAME_ROOM);
  const [lineY, messageY] = lines.length > 1 ? [56, 71] : [50, 67];
  const mark = svg("path", { class: "mark" });
  const text = svg("text", { class: "t" }, lines.map((line, index) => svg("tspan", { x: 42, y: (lines.length > 1 ? 22 : 30) + 17 * index }, line)));
  const line = svg("text", { class: "m", x: 42, y: lineY });
  const message = svg("text", { class: "s", x: 42, y: messageY });
  const title = svg("title", {}, name);
  const fill = svg("rect", { class: "fill", x: 16, y: height - 7, width: 0, height: 3, rx: 1.5 });
  const hosts = hasHosts(step) ? makeNodeHosts(step) : null;
  const element = svg("a", { class: "n", href: `#step=${name}`, tabindex: "-1", "data-step": name, transform: `translate(${x} ${y})` },
    title,
    svg("rect", { class: "box", width: BOX.width, height, rx: 10 }),
    svg("g", { transform: "translate(14 15)" }, mark), text, line, message, hosts && hosts.element, fill);
  return { element, mark, line, message, title, fill, hosts };
}
