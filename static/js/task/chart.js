// The chart of a task: built once for a structure; a change of state changes attributes and texts and makes nothing.

import { clockFace } from "../net/clock.js";
import { BOX, edgeState, nameLines, neighbour, path, shortened } from "./chartlayout.js";
import { h, setAttribute, setText, svg } from "../ui/dom.js";
import { hasEnded, shapeOf } from "./states.js";
import { elapsed, forecast, shareOf } from "./timing.js";
import { Camera, OVERVIEW } from "./camera.js";

const NAME_ROOM = 18; // letters of a line
const TURNS = ["failed", "lost", "running", "retrying", "waiting"];
const LINE_ROOM = 25;

/** The step around which a chart too large for its window is shown; null where one is as good as another. */
function turn(steps) {
  for (const state of TURNS) {
    const step = steps.find((each) => each.state === state);
    if (step) return step;
  }
  return null;
}

/** What is worth looking at first. */
export function foremost(steps) {
  const first = (...states) => steps.find((step) => states.includes(step.state));
  const started = steps.filter((step) => step.started_at).sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
  return first("failed", "lost") || first("running", "retrying") || first("waiting") || started[0] || steps[0] || null;
}

export class Chart {
  /** `element` is the box as the template made it; a step that is chosen is in the address. */
  constructor(element, { texts, number, live }) {
    this.element = element;
    this.tools = { texts, number, live };
    this.structure = null;
    this.chosen = null;
  }

  /** `layout` may still be that of an older structure: what it does not know is not drawn. */
  update({ task, steps, layout }) {
    const key = layout ? JSON.stringify(layout) : null;
    if (layout && layout !== this.layout && key !== this.structure) {
      this.structure = key;
      this.build(layout, steps, task);
    }
    this.layout = layout || this.layout;
    this.steps = steps;
    if (!this.nodes) return;
    for (const step of steps) this.set(step);
    const states = new Map(steps.map((step) => [step.name, step.state]));
    for (const edge of this.edges) {
      const state = edgeState(states.get(edge.from), states.get(edge.to));
      if (edge.line.dataset.state !== state) edge.line.dataset.state = state;
    }
    this.tick();
  }

  build(layout, steps, task) {
    const { texts } = this.tools;
    this.nodes = new Map();
    this.edges = layout.edges.map((edge) => ({ ...edge, line: svg("path", { class: "e", d: path(edge.points) }) }));
    const boxes = layout.nodes.map((node) => this.node(node));
    this.world = svg("g", { class: "world" }, this.edges.map((edge) => edge.line), boxes);
    this.svg = svg("svg", { class: "graph", role: "group", "aria-label": texts.say("task.chart", { title: task.title }) }, this.world);
    const tool = (name, sign, act) => h("button", { type: "button", class: name, "aria-label": texts.say(`task.${name}`),
      title: texts.say(`task.${name}`), onclick: act }, sign);
    this.camera = new Camera(this.svg, this.world);
    this.element.replaceChildren(this.svg, h("div", { class: "zoom" },
      tool("zoom_in", "+", () => this.camera.key("+")),
      tool("zoom_out", "−", () => this.camera.key("-")),
      tool("zoom_fit", texts.say("task.all"), () => this.camera.key("0"))));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("focusin", (event) => this.focused(event.target));
    this.sized(layout);
    const first = foremost(steps);
    const around = steps.find((step) => step.name === this.chosen) || turn(steps);
    this.camera.show(layout, around ? this.placeOf(layout, around.name) : null);
    const stop = this.nodes.get(this.chosen) || (first && this.nodes.get(first.name));
    if (stop) stop.element.setAttribute("tabindex", "0");
    this.choose(this.chosen);
  }

  /** A chart that needs less height leaves it to the log. */
  sized(layout) {
    const scale = Math.min(1.25, (this.element.clientWidth - 48) / Math.max(1, layout.width));
    this.element.style.setProperty("--high", `${Math.round(layout.height * Math.max(OVERVIEW, scale) + 104)}px`);
  }

  placeOf(layout, name) {
    return layout.nodes.find((node) => node.name === name) || null;
  }

  node({ name, x, y }) {
    const lines = nameLines(name, NAME_ROOM);
    const [low, lower] = lines.length > 1 ? [56, 71] : [50, 67];
    const parts = {
      mark: svg("path", { class: "mark" }),
      name: svg("text", { class: "t" }, lines.map((line, index) => svg("tspan", { x: 42, y: (lines.length > 1 ? 22 : 30) + 17 * index }, line))),
      line: svg("text", { class: "m", x: 42, y: low }),
      said: svg("text", { class: "s", x: 42, y: lower }),
      whole: svg("title", {}, name),
      fill: svg("rect", { class: "fill", x: 16, y: BOX.height - 7, width: 0, height: 3, rx: 1.5 }),
      shown: null,
    };
    parts.element = svg("a", { class: "n", href: `#step=${name}`, tabindex: "-1", "data-step": name, transform: `translate(${x} ${y})` },
      parts.whole,
      svg("rect", { class: "box", width: BOX.width, height: BOX.height, rx: 10 }),
      svg("g", { transform: "translate(14 15)" }, parts.mark), parts.name, parts.line, parts.said, parts.fill);
    this.nodes.set(name, parts);
    return parts.element;
  }

  set(step) {
    const parts = this.nodes.get(step.name);
    if (!parts) return;
    if (parts.shown === null || parts.shown.state !== step.state) {
      parts.element.dataset.state = step.state;
      parts.mark.setAttribute("d", shapeOf(step.state));
    }
    parts.shown = step;
    const { texts } = this.tools;
    setText(parts.said, shortened(step.message || step.reason || "", LINE_ROOM));
    const label = [step.name, texts.say(`state.${step.state}`), this.percent(step), step.message || step.reason].filter(Boolean).join(", ");
    setAttribute(parts.element, "aria-label", label);
    setText(parts.whole, label);
  }

  percent({ state, progress }) {
    return typeof progress === "number" && !hasEnded(state) ? `${Math.floor(progress * 100)}%` : "";
  }

  /** Times run on between events. */
  tick() {
    if (!this.nodes || !this.steps) return;
    const now = this.tools.live().clock.now();
    for (const step of this.steps) {
      const parts = this.nodes.get(step.name);
      if (!parts) continue;
      setText(parts.line, shortened(this.line(step, now), LINE_ROOM));
      setAttribute(parts.fill, "width", Math.round(shareOf(step, now) * (BOX.width - 32)));
    }
  }

  /** "running 1:12 · 61% · 0:40 left" */
  line(step, now) {
    const { texts } = this.tools;
    const { kind, time } = forecast(step, now);
    const attempt = step.attempt > 1 ? texts.say("task.attempt", { n: step.attempt }) : "";
    const moving = step.state === "running" || step.state === "retrying";
    const ahead = !moving ? "" : kind === "left" ? texts.say("task.left_short", { time: clockFace(time) })
      : kind === "overdue" ? texts.say("task.is_overdue") : "";
    const word = `${texts.say(`state.${step.state}`)} ${elapsed(step, now)}`.trim();
    return [word, this.percent(step), ahead, attempt].filter(Boolean).join(" · ");
  }

  /** The step whose log is shown. */
  choose(name) {
    if (this.nodes) {
      const before = this.nodes.get(this.chosen);
      if (before) before.element.removeAttribute("aria-current");
      const parts = this.nodes.get(name);
      if (parts) parts.element.setAttribute("aria-current", "true");
    }
    this.chosen = name;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const here = event.target.closest("[data-step]");
    const next = here && neighbour(this.layout, here.dataset.step, event.key);
    if (next) this.nodes.get(next).element.focus({ preventScroll: true });
    else if (event.key === " " && here) here.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    else if (!this.camera.key(event.key) && !event.key.startsWith("Arrow")) return;
    event.preventDefault();
  }

  /** One stop for the Tab key, where one was last. */
  focused(target) {
    const here = target.closest("[data-step]");
    if (!here) return;
    for (const { element } of this.nodes.values()) if (element.getAttribute("tabindex") === "0") element.setAttribute("tabindex", "-1");
    here.setAttribute("tabindex", "0");
    const node = this.placeOf(this.layout, here.dataset.step);
    if (here.matches(":focus-visible")) this.camera.reveal(node);
  }
}
