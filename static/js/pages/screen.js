// The projector: a poster of one poll or of a wall's active item, which may be a task, questions or a room, always as the audience sees it.

import { Countdown } from "../poll/countdown.js";
import { kindOf } from "../poll/kinds/index.js";
import { PreviousRound } from "../poll/previousround.js";
import { quorumText } from "../poll/summary.js";
import { ballotCount, resultRows } from "../poll/tally.js";
import { TallyTable } from "../poll/tallytable.js";
import { LayoutCache } from "../task/layoutcache.js";
import { StepTable } from "../task/steptable.js";
import { Announcer } from "../ui/announcer.js";
import { Corner } from "../ui/corner.js";
import { find, setText } from "../ui/dom.js";
import { ScreenKeys, toggleFullScreen } from "../wall/keys.js";
import { startLivePage } from "../wall/livepage.js";
import { Lobby } from "../wall/lobby.js";
import { PollPoster } from "../wall/pollposter.js";
import { QuestionPoster } from "../wall/questionposter.js";
import { ReactionEdge } from "../wall/reactionedge.js";
import { WallResults } from "../wall/results.js";
import { ResultsPoster } from "../wall/resultsposter.js";
import { RoomPoster } from "../wall/roomposter.js";
import { ScreenReporter } from "../wall/screenreport.js";
import { TaskPoster } from "../wall/taskposter.js";
import { keepScreenOn } from "../wall/wakelock.js";

/** @import { Poll, Stream } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { Context } from "../wall/livepage.js" */
/** @import { PollScene, TaskScene } from "../wall/scene.js" */

/** @typedef {ReturnType<typeof build>} Views */

/** @type {Views | null} */
let built = null;

/** @param {Context} context */
function build(context) {
  const { env, live, page } = context;
  const stage = find("#stage");
  const reporter = page.wallStream ? makeReporter(context) : null;
  const people = reporter ? () => reporter.peopleCount(live.state(page.wallStream).values.here) : null;
  const tools = { ...context, people, layouts: new LayoutCache({ env, redraw: context.redraw }) };
  return {
    reporter,
    corner: new Corner(find("#corner"), tools),
    countdown: new Countdown(find("#countdown"), tools),
    announcer: new Announcer(find("#announcer"), env),
    tallyTable: new TallyTable(find("#twin"), tools),
    stepTable: new StepTable(find("#twin"), tools),
    /** @type {Stream | null} the task in the table, which polls and tasks share */
    tableTask: null,
    where: find("#where"),
    assurance: find("#assurance"),
    turnout: find("#turnout"),
    quorum: find("#quorum"),
    previous: new PreviousRound(tools),
    poll: new PollPoster(stage, tools),
    task: new TaskPoster(stage, tools),
    questions: new QuestionPoster(stage, tools),
    room: new RoomPoster(stage, tools),
    reactions: page.wallStream ? new ReactionEdge(find("#reactions"), tools) : null,
    lobby: new Lobby(stage, tools),
    end: new ResultsPoster(stage, tools),
    results: page.wallStream ? new WallResults(tools) : null,
  };
}

/** @param {Context} context */
function makeReporter({ env, page, redraw }) {
  const pixels = (/** @type {number} */ size) => Math.max(1, Math.round(size * window.devicePixelRatio));
  return new ScreenReporter({
    env,
    people: page.here,
    code: page.wallStream.slice("walls/".length),
    size: () => [pixels(window.innerWidth), pixels(window.innerHeight)],
    frame: (callback) => window.requestAnimationFrame(callback),
    onCount: redraw,
  });
}

/**
 * Returns a line such as "one ballot per device · may be changed". A closed poll cannot be changed, and says elsewhere that
 * it is closed.
 * @param {Poll} poll
 * @param {Texts} texts
 */
function rulesText(poll, texts) {
  const parts = [texts.say(`poll.assurance.${poll.assurance}`)];
  const rule = kindOf(poll.kind).rule(poll, texts);
  if (rule) parts.push(rule);
  if (poll.phase === "open") parts.push(texts.say(poll.allow_change ? "poll.may_change" : "poll.is_final"));
  return parts.join(" · ");
}

/**
 * @param {Views} views
 * @param {Context} context
 * @param {PollScene} scene
 */
function drawPoll(views, context, scene) {
  const { stream, poll, tally } = scene;
  const { texts, number } = context;
  const previous = views.previous.tallyFor(scene);
  views.poll.update({ ...scene, previous });
  const cast = ballotCount(scene);
  setText(find("b", views.turnout), number(cast));
  setText(find("span", views.turnout), texts.say("poll.ballots_word", {}, cast));
  setText(views.quorum, quorumText(poll, cast, context));
  setText(views.assurance, rulesText(poll, texts));
  const rows = resultRows(poll, tally, previous);
  if (!rows.some((row) => row.counted)) {
    views.tallyTable.clear();
    return;
  }
  const key = JSON.stringify([stream, poll.round, poll.phase]);
  views.tallyTable.update(key, { title: poll.title, rows, ballots: cast, previousRound: poll.round - 1 });
  views.announcer.announceLater(texts.say("poll.ballots", { n: number(cast) }, cast));
}

/**
 * @param {Views} views
 * @param {Context} context
 * @param {TaskScene} scene
 */
function drawTask(views, { texts }, scene) {
  views.task.update(scene);
  if (views.tableTask !== scene.stream) views.tallyTable.clear();
  views.tableTask = scene.stream;
  views.stepTable.update(scene);
  views.announcer.announceLater(`${scene.task.title}: ${texts.say(`state.${scene.task.state}`)}`);
}

/**
 * @param {Views} views
 * @param {Context} context
 */
function drawReactions({ reactions }, { live, page }) {
  if (!reactions) return;
  const { values } = live.state(page.wallStream);
  reactions.update(values.reactions, Boolean(values.wall && values.wall.reactions));
}

/** @param {Context} context */
function draw(context) {
  if (!built) built = build(context);
  const views = built;
  const { scene, live } = context;
  views.corner.update(live);
  if (views.reporter) views.reporter.tick(live);
  drawReactions(views, context);
  if (scene.kind === "waiting") return;
  // Asked for with every scene: it also has to know when an item is shown. While it asks, the last picture stays.
  const results = views.results ? views.results.resultsFor(scene) : null;
  if (results === undefined) return;
  const kind = results ? "end" : scene.kind;
  document.body.dataset.scene = kind;
  if (scene.wall) setText(views.where, scene.wall.title);
  views.turnout.hidden = views.assurance.hidden = kind !== "poll";
  /** @type {Record<string, {leave: () => void}>} */
  const posters = { poll: views.poll, task: views.task, questions: views.questions, room: views.room, end: views.end };
  const view = posters[kind] || views.lobby;
  for (const other of [...Object.values(posters), views.lobby]) if (other !== view) other.leave();
  if (kind !== "task" && views.tableTask) {
    views.stepTable.clear();
    views.tableTask = null;
  }
  if (scene.kind === "poll") drawPoll(views, context, scene);
  else if (scene.kind === "task") drawTask(views, context, scene);
  else {
    if (scene.kind === "questions") views.questions.update(scene);
    else if (scene.kind === "room") views.room.update(scene);
    else if (results && scene.wall) views.end.update({ ...results, wall: scene.wall });
    else views.lobby.update(scene);
    views.tallyTable.clear();
  }
  views.countdown.update(scene, live.clock);
}

/** @param {Context} context */
function tick(context) {
  const views = built;
  if (!views) return;
  const { scene, live } = context;
  views.corner.update(live);
  views.countdown.update(scene, live.clock);
  if (views.reporter) views.reporter.tick(live);
  drawReactions(views, context);
  if (scene.kind === "task") views.task.tick();
  if (scene.kind === "lobby") draw(context); // how many people are here, and whether the wall is over
  if (scene.kind === "poll") views.previous.tallyFor(scene); // asks again where the last request failed
}

const { texts, redraw } = startLivePage({ audience: true, gates: true, draw, tick });
window.addEventListener("resize", redraw); // posters of questions and rooms show what fits
keepScreenOn({ wakeLock: navigator.wakeLock, document });
new ScreenKeys({ texts, document }, [["f", "keys.full", () => toggleFullScreen(document)]]);
