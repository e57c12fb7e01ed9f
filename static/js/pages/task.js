// One task, live: the chart, and beside it the log of the step that the address names.

import { setText } from "../ui/dom.js";
import { Layouts } from "../task/layoutcache.js";
import { start } from "../wall/livepage.js";
import { hasEnded } from "../task/states.js";
import { EMPTY } from "../net/state.js";
import { Announcer } from "../ui/announcer.js";
import { Chart, foremost } from "../task/chart.js";
import { Corner } from "../ui/corner.js";
import { Lobby } from "../wall/lobby.js";
import { LogView } from "../log/view.js";
import { StepTable } from "../task/steptable.js";
import { TaskHead } from "../task/head.js";

const find = (selector) => document.querySelector(selector);
const AGAIN = 5_000; // a log's stream that was not there yet is asked for again after so long
let views = null;

function make(context) {
  const tools = { ...context, live: () => context.live };
  const { page } = context;
  const log = find("#log");
  for (const plain of document.querySelectorAll(".plainlog, .nolog")) plain.remove();
  views = {
    corner: new Corner(find("#corner"), tools),
    announcer: new Announcer(find("#announcer"), context.env),
    head: new TaskHead(context),
    chart: new Chart(find("#chart"), tools),
    table: new StepTable(find("#steptable"), tools),
    log: page.logs ? new LogView(log, { ...tools, task: page.task }) : null,
    lobby: new Lobby(find("#gone"), tools),
    layouts: new Layouts({ env: context.env, redraw: () => context.redraw() }),
    chosen: null,
    refusedAt: -Infinity,
  };
  views.layouts.know(page.stream, page.needs, page.layout);
  window.addEventListener("hashchange", () => follow(context));
}

/** {step, line} of the address: #step=build&line=123. */
function address() {
  const given = new URLSearchParams(location.hash.slice(1));
  const line = /^[1-9]\d{0,11}$/.test(given.get("line") || "") ? Number(given.get("line")) : null;
  return { step: given.get("step") || new URLSearchParams(location.search).get("step"), line };
}

/** Chooses the step of the address, or the one to look at first, and shows its log. */
function follow(context) {
  const { scene } = context;
  if (scene.kind !== "task") return;
  const wanted = address();
  const named = scene.steps.find((step) => step.name === wanted.step);
  const current = scene.steps.find((step) => step.name === views.chosen);
  const step = named || current || foremost(scene.steps);
  if (!step) return;
  if (step.name !== views.chosen) {
    views.chosen = step.name;
    views.chart.choose(step.name);
    if (views.log) context.page.log = `${context.page.stream}/logs/${step.name}`;
    context.redraw();
  }
  if (views.log) views.log.open(step, named ? wanted.line : null);
  else setText(find("#log .name"), step.name);
}

function drawLog(context, step) {
  const stream = context.page.log;
  const { values, error } = context.live.state(stream);
  views.log.stepIs(step);
  views.log.grown(values.end);
  if (!error || !step.started_at || context.env.now() - views.refusedAt < AGAIN) return;
  views.refusedAt = context.env.now();
  context.refused = null;
  context.live.hold(stream).state = EMPTY;
}

function draw(context) {
  if (!views) make(context);
  views.corner.update(context.live);
  const { scene } = context;
  if (scene.kind === "waiting") return;
  const there = scene.kind === "task";
  find("#task").hidden = !there;
  find("#gone").hidden = there;
  if (!there) {
    views.lobby.update(scene);
    return;
  }
  const { task, steps, stream } = scene;
  views.head.update(scene);
  views.chart.update({ task, steps, layout: views.layouts.of(stream, steps) });
  views.table.update(scene);
  tell(context, scene);
  if (!views.chosen) follow(context);
  const step = steps.find(({ name }) => name === views.chosen);
  if (views.log && step) drawLog(context, step);
}

/** The end is said at once, how it goes only now and then. */
function tell({ texts }, { task, steps }) {
  const words = `${task.title}: ${texts.say(`state.${task.state}`)}`;
  const over = hasEnded(task.state);
  if (over && views.over === false) views.announcer.say(words);
  views.over = over;
  const ended = steps.filter((step) => hasEnded(step.state)).length;
  views.announcer.count(`${words}, ${texts.say("task.done", { n: ended, of: steps.length })}`);
}

function tick(context) {
  if (!views) return;
  views.corner.update(context.live);
  if (context.scene.kind !== "task") return;
  views.head.tick();
  views.chart.tick();
  if (views.log && context.page.log && context.live.state(context.page.log).error) context.redraw();
}

start({ draw, tick });
