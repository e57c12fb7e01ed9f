// One task, live: the chart, and below it the log of the step that the address names.

import { LogView } from "../log/view.js";
import { Chart, mostRelevantStep } from "../task/chart.js";
import { GatePanel } from "../task/gates.js";
import { TaskHead } from "../task/head.js";
import { LayoutCache } from "../task/layoutcache.js";
import { hasEnded } from "../task/states.js";
import { StepTable } from "../task/steptable.js";
import { Announcer } from "../ui/announcer.js";
import { Corner } from "../ui/corner.js";
import { find, setText } from "../ui/dom.js";
import { startLivePage } from "../wall/livepage.js";
import { Lobby } from "../wall/lobby.js";

/** @import { Step } from "../net/wire.d.ts" */
/** @import { Context } from "../wall/livepage.js" */
/** @import { TaskScene } from "../wall/scene.js" */

/** A log whose stream was refused is asked for again after this many milliseconds: the step may have started. */
const RETRY = 5_000;

/** @typedef {ReturnType<typeof build>} Views */

/** @type {Views | null} */
let built = null;

/** @param {Context} context */
function build(context) {
  const { page, env, redraw } = context;
  // The log as it is without script.
  for (const plain of document.querySelectorAll(".plainlog, .nolog")) plain.remove();
  const layouts = new LayoutCache({ env, redraw });
  layouts.set(page.stream, page.needs, page.layout);
  window.addEventListener("hashchange", () => {
    if (built) followAddress(built, context);
  });
  return {
    layouts,
    corner: new Corner(find("#corner"), context),
    announcer: new Announcer(find("#announcer"), env),
    head: new TaskHead(context),
    gates: new GatePanel(find("#gates"), context),
    chart: new Chart(find("#chart"), context),
    table: new StepTable(find("#steptable"), context),
    log: page.logs ? new LogView(find("#log"), { ...context, task: page.task }) : null,
    lobby: new Lobby(find("#gone"), context),
    /** @type {string | null} the name of the step whose log is shown */
    chosen: null,
    refusedAt: -Infinity,
    wasRunning: false,
  };
}

/** Returns the step and the line of an address such as #step=build&line=123. */
function readAddress() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const line = hash.get("line") || "";
  return {
    step: hash.get("step") || new URLSearchParams(location.search).get("step"),
    line: /^[1-9]\d{0,11}$/.test(line) ? Number(line) : null,
  };
}

/**
 * Chooses the step that the address names, or the one that is worth looking at first, and shows its log.
 * @param {Views} views
 * @param {Context} context
 */
function followAddress(views, context) {
  const { scene, page } = context;
  if (scene.kind !== "task") return;
  const address = readAddress();
  const named = scene.steps.find((step) => step.name === address.step);
  const current = scene.steps.find((step) => step.name === views.chosen);
  const step = named || current || mostRelevantStep(scene.steps);
  if (!step) return;
  if (step.name !== views.chosen) {
    views.chosen = step.name;
    views.chart.choose(step.name);
    if (views.log) page.log = `${page.stream}/logs/${step.name}`;
    context.redraw();
  }
  if (views.log) views.log.open(step, named ? address.line : null);
  else setText(find("#log .name"), step.name);
}

/**
 * @param {Views} views
 * @param {LogView} log
 * @param {Context} context
 * @param {Step} step
 */
function drawLog(views, log, context, step) {
  const stream = context.page.log;
  const { values, error } = context.live.state(stream);
  log.updateStep(step);
  log.updateEnd(values.end);
  // A log has no stream before its step starts.
  const now = context.env.now();
  if (!error || !step.started_at || now - views.refusedAt < RETRY) return;
  views.refusedAt = now;
  context.retry(stream);
}

/** @param {Context} context */
function draw(context) {
  if (!built) built = build(context);
  const views = built;
  const { scene, live } = context;
  views.corner.update(live);
  if (scene.kind === "waiting") return;
  find("#task").hidden = scene.kind !== "task";
  find("#gone").hidden = scene.kind === "task";
  if (scene.kind === "task") drawTask(views, context, scene);
  else views.lobby.update(scene);
}

/**
 * @param {Views} views
 * @param {Context} context
 * @param {TaskScene} scene
 */
function drawTask(views, context, scene) {
  const { task, steps, stream } = scene;
  views.head.update(scene);
  views.gates.update(scene);
  views.chart.update({ task, steps, layout: views.layouts.get(stream, steps) });
  views.table.update(scene);
  announce(views, context, scene);
  if (!views.chosen) followAddress(views, context);
  const step = steps.find(({ name }) => name === views.chosen);
  if (views.log && step) drawLog(views, views.log, context, step);
}

/**
 * Announces the end at once, and the progress now and then.
 * @param {Views} views
 * @param {Context} context
 * @param {TaskScene} scene
 */
function announce(views, { texts }, { task, steps }) {
  const state = `${task.title}: ${texts.say(`state.${task.state}`)}`;
  const isOver = hasEnded(task.state);
  if (isOver && views.wasRunning) views.announcer.announce(state);
  views.wasRunning = !isOver;
  const ended = steps.filter((step) => hasEnded(step.state)).length;
  views.announcer.announceLater(`${state}, ${texts.say("task.done", { n: ended, of: steps.length })}`);
}

/** @param {Context} context */
function tick(context) {
  const views = built;
  if (!views) return;
  const { live, page } = context;
  views.corner.update(live);
  if (context.scene.kind !== "task") return;
  views.head.tick();
  views.chart.tick();
  if (views.log && page.log && live.state(page.log).error) context.redraw();
}

startLivePage({ gates: true, draw, tick });
