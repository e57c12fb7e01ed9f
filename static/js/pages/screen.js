// The projector: a poster of one poll or of a wall's active item, always as the audience sees it.

import { setText } from "../ui/dom.js";
import { Earlier } from "../poll/previousround.js";
import { keepAwake } from "../wall/wakelock.js";
import { quorum } from "../poll/summary.js";
import { Layouts } from "../task/layoutcache.js";
import { Overview } from "../wall/results.js";
import { start } from "../wall/livepage.js";
import { ballots, rows } from "../poll/tally.js";
import { Announcer } from "../ui/announcer.js";
import { Corner } from "../ui/corner.js";
import { Countdown } from "../poll/countdown.js";
import { Finale } from "../wall/resultsposter.js";
import { Keys, fullScreen } from "../wall/keys.js";
import { Lobby } from "../wall/lobby.js";
import { Poster } from "../wall/pollposter.js";
import { StepTable } from "../task/steptable.js";
import { TaskPoster } from "../wall/taskposter.js";
import { Twin } from "../poll/tallytable.js";
import { Vitals } from "../wall/screenreport.js";

const find = (selector) => document.querySelector(selector);
let views = null;
let vitals = null;

function make(context) {
  const stage = find("#stage");
  const layouts = new Layouts({ env: context.env, redraw: () => context.redraw() });
  const ofWall = context.page.wallStream ? { people: () => vitals.here(context.live.state(context.page.wallStream).values.here) } : {};
  const tools = { ...context, ...ofWall, layouts, live: () => context.live };
  if (context.page.wallStream) vitals = watch(context);
  views = {
    corner: new Corner(find("#corner"), tools),
    countdown: new Countdown(find("#countdown"), tools),
    announcer: new Announcer(find("#announcer"), context.env),
    twin: new Twin(find("#twin"), tools),
    where: find("#where"),
    assurance: find("#assurance"),
    turnout: find("#turnout"),
    quorum: find("#quorum"),
    earlier: new Earlier(tools),
    poll: new Poster(stage, tools),
    task: new TaskPoster(stage, tools),
    table: new StepTable(find("#twin"), tools),
    lobby: new Lobby(stage, tools),
    end: new Finale(stage, tools),
    overview: context.page.wallStream ? new Overview(tools) : null,
  };
  views.gone = views.waiting = views.lobby;
}

function watch({ env, page, redraw }) {
  return new Vitals({
    env,
    people: page.here,
    code: page.wallStream.slice("walls/".length),
    size: () => [window.innerWidth, window.innerHeight].map((each) => Math.max(1, Math.round(each * window.devicePixelRatio))),
    frame: (act) => window.requestAnimationFrame(act),
    counted: redraw,
  });
}

/** "one ballot a device · may be changed"; a closed poll cannot be, and says so elsewhere. */
function rules(poll, texts) {
  const words = [texts.say(`poll.assurance.${poll.assurance}`)];
  if (poll.kind === "multi") words.push(texts.say("poll.up_to", { n: poll.max_choices }, poll.max_choices));
  if (poll.phase === "open") words.push(texts.say(poll.allow_change ? "poll.may_change" : "poll.is_final"));
  return words.join(" · ");
}

function drawPoll(context, scene) {
  const { poll, tally } = scene;
  const earlier = views.earlier.of(scene);
  views.poll.update({ ...scene, earlier });
  const cast = ballots(scene);
  const words = context.texts.say("poll.ballots", { n: context.number(cast) }, cast);
  setText(views.turnout.querySelector("b"), context.number(cast));
  setText(views.turnout.querySelector("span"), context.texts.say("poll.ballots_word", {}, cast));
  setText(views.quorum, quorum(poll, cast, context));
  setText(views.assurance, rules(poll, context.texts));
  const list = rows(poll, tally, earlier);
  if (list.some((row) => row.counted)) {
    views.twin.update(JSON.stringify([scene.stream, poll.round, poll.phase]), poll.title, list, cast, poll.round - 1);
    views.announcer.count(words);
  } else {
    views.twin.clear();
  }
}

/** The same table element tells polls and tasks. */
function drawTable({ texts }, scene) {
  if (views.told !== scene.stream) views.twin.clear();
  views.told = scene.stream;
  views.table.update(scene);
  views.announcer.count(`${scene.task.title}: ${texts.say(`state.${scene.task.state}`)}`);
}

/** The scene, or at the end of a wall all its results; what is not known yet leaves the last picture. */
function shownNow(scene) {
  if (!views.overview || scene.kind === "waiting") return scene;
  const found = views.overview.of(scene);
  if (found === undefined) return { kind: "waiting" };
  return found ? { ...scene, ...found, kind: "end" } : scene;
}

function draw(context) {
  if (!views) make(context);
  views.corner.update(context.live);
  if (vitals) vitals.tick(context.live);
  const scene = shownNow(context.scene);
  if (scene.kind === "waiting") return;
  document.body.dataset.scene = scene.kind;
  if (scene.wall) setText(views.where, scene.wall.title);
  views.turnout.hidden = views.assurance.hidden = scene.kind !== "poll";
  const view = views[scene.kind];
  for (const other of [views.poll, views.task, views.lobby, views.end]) if (other !== view) other.leave();
  if (scene.kind !== "task" && views.told) {
    views.table.clear();
    views.told = null;
  }
  if (scene.kind === "poll") drawPoll(context, scene);
  else {
    view.update(scene);
    if (scene.kind === "task") drawTable(context, scene);
    else views.twin.clear();
  }
  views.countdown.update(scene, context.live.clock);
}

function tick(context) {
  if (!views) return;
  views.corner.update(context.live);
  views.countdown.update(context.scene, context.live.clock);
  if (vitals) vitals.tick(context.live);
  if (context.scene.kind === "task") views.task.tick();
  if (context.scene.kind === "lobby") draw(context); // how many are here, and whether that was all
  if (context.scene.kind === "poll") views.earlier.of(context.scene); // asks again where it was not answered
}

const context = start({ audience: true, draw, tick });
keepAwake({ wakeLock: navigator.wakeLock, document });
new Keys({ texts: context.texts, document }, [["f", "keys.full", () => fullScreen(document)]]);
