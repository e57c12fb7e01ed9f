// One task, live: the chart, and below it the log of the step that the address names.

import { LogView } from "../log/view.js";
import { Chart, mostRelevantStep } from "../task/chart.js";
import { GatePanel } from "../task/gates.js";
import { TaskHead } from "../task/head.js";
import { HostCard } from "../task/hostcard.js";
import { HostKeys } from "../task/hostkeys.js";
import { HostLogs } from "../task/hostlogs.js";
import { HostPanel } from "../task/hostpanel.js";
import { HostQuestions } from "../task/hostquestions.js";
import { hasHosts, logSubject, mostRelevantHost, partsOf, progressOf, progressParts, stepToShow, unitOf } from "../task/hosts.js";
import { LayoutCache } from "../task/layoutcache.js";
import { hasEnded } from "../task/states.js";
import { stepsText } from "../task/stepwords.js";
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
    if (!built) return;
    followAddress(built, context);
    if (built.host !== null) showLog();
  });
  const questions = page.operator ? new HostQuestions(context) : null;
  find("#chart").addEventListener("click", (event) => followKey(event, context));
  find("#log").addEventListener("keydown", leaveLog);
  return {
    layouts,
    questions,
    keys: new HostKeys(find("#hostkeys"), { ...context, questions }),
    panel: page.hosts ? new HostPanel(find("#hosts"), { ...context, questions }) : null,
    logs: page.logs ? new HostLogs(find("#log .hostlogs"), context) : null,
    card: new HostCard(find("#host"), { ...context, questions }),
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
    /** @type {string | null} the host whose log is shown, of a step with hosts */
    host: null,
    /** @type {string | null} the name of the step whose hosts are listed */
    listed: null,
    refusedAt: -Infinity,
    wasRunning: false,
  };
}

/** Scrolls to the log of a host where its list has pushed it out of view: on a phone. */
function showLog() {
  const log = find("#log");
  if (log.getBoundingClientRect().top > window.innerHeight * 0.8) log.scrollIntoView();
}

/**
 * Moves the focus from the log back to the chart. In a field the key clears it.
 * @param {KeyboardEvent} event
 */
function leaveLog(event) {
  const step = document.querySelector('#chart .n[tabindex="0"]');
  if (event.key !== "Escape" || event.target instanceof HTMLInputElement || !(step instanceof SVGElement)) return;
  event.preventDefault();
  step.focus();
}

/** Returns the step, host and line of an address such as #step=build&line=123 or #step=switch@web3. */
function readAddress() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const line = hash.get("line") || "";
  return {
    ...partsOf(hash.get("step") || new URLSearchParams(location.search).get("step") || ""),
    line: /^[1-9]\d{0,11}$/.test(line) ? Number(line) : null,
  };
}

/**
 * Returns the host whose log is shown: the one that the address names, the one that was shown, or the one that is worth
 * looking at first.
 * @param {Views} views
 * @param {Step} step
 * @param {string | null} named
 */
function hostToShow(views, step, named) {
  if (!hasHosts(step)) return null;
  const isThere = (/** @type {string | null} */ host) => step.targets.some((target) => target.host === host);
  if (isThere(named)) return named;
  return views.chosen === step.name && isThere(views.host) ? views.host : mostRelevantHost(step.targets).host;
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
  const host = hostToShow(views, step, named ? address.host : null);
  const unit = unitOf(step.name, host);
  if (step.name !== views.chosen || host !== views.host) {
    views.chosen = step.name;
    views.host = host;
    views.chart.choose(step.name, host);
    if (views.log) page.log = `${page.stream}/logs/${unit}`;
    context.redraw();
  }
  if (views.log) views.log.open(logSubject(step, host), named ? address.line : null);
  else setText(find("#log .name"), unit);
}

/**
 * Moves the focus on into the hosts of a step that was chosen by a key.
 * @param {MouseEvent} event
 * @param {Context} context
 */
function followKey(event, context) {
  const element = event.target instanceof Element ? event.target.closest("[data-step]") : null;
  if (!built || !built.panel || event.detail > 0 || !(element instanceof SVGElement) || context.scene.kind !== "task") return;
  const step = context.scene.steps.find(({ name }) => name === element.dataset.step);
  if (!hasHosts(step)) return;
  event.preventDefault();
  location.hash = new URLSearchParams({ step: step.name }).toString();
  followAddress(built, context);
  built.panel.map.focus();
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
  views.keys.update(scene);
  if (views.questions) views.questions.update(scene);
  views.chart.update({ task, steps, layout: views.layouts.get(stream, steps) });
  views.table.update(scene);
  announce(views, context, scene);
  if (!views.chosen) followAddress(views, context);
  const step = steps.find(({ name }) => name === views.chosen);
  drawHosts(views, scene, step);
  if (views.log && step) drawLog(views, views.log, context, logSubject(step, views.host));
}

/**
 * Shows the hosts of the chosen step; of a step without hosts, those that were shown before.
 * @param {Views} views
 * @param {TaskScene} scene
 * @param {Step | undefined} step
 */
function drawHosts(views, { task, steps }, step) {
  const cancelling = { cancelling: task.state === "cancelling" };
  const fanned = steps.filter(hasHosts);
  const target = hasHosts(step) ? step.targets.find(({ host }) => host === views.host) : undefined;
  views.card.update(hasHosts(step) ? step : null, target || null, cancelling);
  if (views.logs) views.logs.update(hasHosts(step) ? step : null, views.host);
  const chosen = fanned.find((each) => each === step);
  const listed = chosen || fanned.find(({ name }) => name === views.listed) || mostRelevantStep(fanned);
  if (!views.panel || !hasHosts(listed)) return;
  views.listed = listed.name;
  views.panel.update(listed, chosen ? views.host : null, cancelling);
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
  const fanned = isOver ? null : stepToShow(steps);
  const hosts = fanned && fanned.started_at ? [fanned.name, ...progressParts(progressOf(fanned), texts)] : [];
  views.announcer.announceLater([state, stepsText(steps, texts), ...hosts].join(", "));
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
  views.card.tick();
  if (views.panel) views.panel.tick();
  if (views.log && page.log && live.state(page.log).error) context.redraw();
}

startLivePage({ gates: true, draw, tick });
