// The audience's page, of one poll or of a wall's active item.

import { Booth } from "../poll/booth.js";
import { Choices } from "../poll/choices.js";
import { CookieNotice } from "../poll/cookienotice.js";
import { Countdown } from "../poll/countdown.js";
import { PreviousRound } from "../poll/previousround.js";
import { Receipt } from "../poll/receipt.js";
import { ballotCount, resultRows } from "../poll/tally.js";
import { TallyTable } from "../poll/tallytable.js";
import { StepList } from "../task/steplist.js";
import { Announcer } from "../ui/announcer.js";
import { Corner } from "../ui/corner.js";
import { find, keepFocus, setAttribute, setText } from "../ui/dom.js";
import { OfflineNotice } from "../ui/offline.js";
import { startLivePage } from "../wall/livepage.js";
import { Lobby } from "../wall/lobby.js";
import { Reactions } from "../wall/reactions.js";
import { WallResults } from "../wall/results.js";
import { WallTabs } from "../wall/tabs.js";

/** @import { Poll } from "../net/wire.d.ts" */
/** @import { Context } from "../wall/livepage.js" */
/** @import { PollScene } from "../wall/scene.js" */

/** The phones of a hall ask within so many milliseconds when voting begins, or when a poll is taken off the screen. */
const SPREAD = 3_000;
/** How often a phone that is shown nothing asks whether the wall is over, in milliseconds. */
const END_INTERVAL = 60_000;

/** @typedef {ReturnType<typeof build>} Views */

/** @type {Views | null} */
let built = null;

/** What a page of a wall has besides the vote. @type {{announcer: Announcer, tabs: WallTabs, reactions: Reactions} | null} */
let wallParts = null;

/** @param {Context} context */
function partsOf(context) {
  if (!wallParts && context.page.wallStream) {
    const announcer = new Announcer(find("#announcer"), context.env);
    wallParts = { announcer, tabs: new WallTabs(context, announcer), reactions: new Reactions(context) };
  }
  return wallParts;
}

/** @param {Context} context */
function updateParts(context) {
  const parts = partsOf(context);
  if (!parts) return;
  parts.tabs.update();
  parts.reactions.update(parts.tabs.wall);
}

/** @param {Context} context */
function build(context) {
  const { env, texts, page } = context;
  const stage = find("#stage");
  const parts = partsOf(context);
  const announcer = parts ? parts.announcer : new Announcer(find("#announcer"), env);
  const booth = new Booth({ ...context, onChange: () => draw(context) });
  return {
    announcer, booth, stage,
    corner: new Corner(find("#corner"), context),
    cookies: new CookieNotice(find("#cookies"), context),
    countdown: new Countdown(find("#countdown"), context),
    table: new TallyTable(find("#twin"), context),
    offline: new OfflineNotice([{ element: document.body, beside: stage }], { texts, textKey: "live.away_vote", disables: false }),
    receipt: new Receipt(find("#receipt"), context, () => booth.ballot && booth.ballot.retract()),
    kept: find("#kept"),
    turnout: find("#turnout"),
    more: find("#more"),
    where: find("#where"),
    previous: new PreviousRound({ ...context, audience: false, spread: SPREAD }),
    choices: new Choices(stage, context, {
      cast: (choices, code) => booth.ballot && booth.ballot.cast(choices, code),
      announce: (text) => announcer.repeat(text),
      redraw: () => draw(context),
    }),
    steps: new StepList(stage, context),
    lobby: new Lobby(stage, context),
    results: page.wallStream ? new WallResults(context, { interval: END_INTERVAL, spread: SPREAD }) : null,
  };
}

/**
 * Returns for how long ballots are kept, where they are not kept forever.
 * @param {Context} context
 * @param {Poll} poll
 */
function retentionText({ page, texts }, poll) {
  if (poll.erased_at) return texts.say("poll.erased", { date: poll.erased_at.slice(0, 10) });
  return page.ballotDays ? texts.say("poll.kept_days", { n: page.ballotDays }, page.ballotDays) : "";
}

/**
 * @param {Views} views
 * @param {Context} context
 * @param {PollScene} scene
 */
function drawPoll(views, context, scene) {
  const { stream, poll, tally } = scene;
  const ballot = views.booth.ballotFor(stream, poll);
  const previous = views.previous.tallyFor(scene);
  views.choices.update({ ...scene, previous }, ballot);
  const answer = views.receipt.update(poll, ballot);
  if (answer) views.announcer.announce(answer);
  const cast = ballotCount(scene);
  const turnout = context.texts.say("poll.ballots", { n: context.number(cast) }, cast);
  setText(views.turnout, turnout);
  setText(views.kept, retentionText(context, poll));
  const rows = resultRows(poll, tally, previous);
  const counted = rows.some((row) => row.counted);
  views.more.hidden = !counted || poll.phase !== "closed";
  setAttribute(find("a", views.more), "href", `/${stream}/replay`);
  if (!counted) {
    views.table.clear();
    return;
  }
  const key = JSON.stringify([stream, poll.round, poll.phase]);
  views.table.update(key, { title: poll.title, rows, ballots: cast, previousRound: poll.round - 1 });
  views.announcer.announceLater(turnout);
}

/** @param {Views} views */
function clearPoll(views) {
  views.receipt.hide();
  views.table.clear();
  views.more.hidden = true;
  setText(views.turnout, "");
  setText(views.kept, "");
}

/** @param {Context} context */
function draw(context) {
  const focused = document.activeElement;
  const question = document.querySelector("#stage h1");
  if (!built) built = build(context);
  drawPage(built, context);
  keepFocus(focused, () => {
    const heading = document.querySelector("#stage h1");
    const answer = find("#receipt");
    return heading === question && !answer.hidden ? answer : /** @type {HTMLElement | null} */ (heading);
  });
}

/**
 * @param {Views} views
 * @param {Context} context
 */
function drawPage(views, context) {
  const { scene, live } = context;
  views.corner.update(live);
  views.offline.update(live);
  views.cookies.update(views.booth.ballot);
  updateParts(context);
  // The page as the server made it stays until there is something newer to show.
  if (scene.kind === "waiting") return;
  // Asked for with every scene: it also has to know when an item is shown.
  const results = views.results && views.results.resultsFor(scene);
  if (scene.wall) setText(views.where, scene.wall.title);
  const view = scene.kind === "poll" ? views.choices : scene.kind === "task" ? views.steps : views.lobby;
  for (const other of [views.choices, views.steps, views.lobby]) if (other !== view) other.leave();
  if (scene.kind === "poll") drawPoll(views, context, scene);
  else if (scene.kind === "task") {
    views.steps.update(scene);
    clearPoll(views);
  } else {
    views.lobby.update(results ? { ...scene, kind: "end", items: results.items } : scene);
    clearPoll(views);
  }
  views.countdown.update(scene, live.clock);
}

/** @param {Context} context */
function tick(context) {
  const views = built;
  if (!views) return;
  const { scene, live } = context;
  views.corner.update(live);
  views.offline.update(live);
  views.countdown.update(scene, live.clock);
  updateParts(context);
  if (scene.kind === "task") views.steps.tick();
  if (scene.kind === "lobby" && views.results) views.results.resultsFor(scene); // asks again whether the wall is over
  if (scene.kind === "poll") views.previous.tallyFor(scene); // asks again where the last request failed
}

startLivePage({
  draw,
  tick,
  beside: (context) => {
    const parts = partsOf(context);
    return parts ? parts.tabs.streams() : [];
  },
});
