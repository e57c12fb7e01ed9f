// The audience's page, of one poll or of a wall's active item.

import { Ballot, ballotCalls } from "../poll/ballot.js";
import { keepFocus, setAttribute, setText } from "../ui/dom.js";
import { Earlier } from "../poll/previousround.js";
import { Overview } from "../wall/results.js";
import { start } from "../wall/livepage.js";
import { ballots, rows } from "../poll/tally.js";
import { Announcer } from "../ui/announcer.js";
import { Away } from "../ui/offline.js";
import { Choices } from "../poll/choices.js";
import { Cookies } from "../poll/cookienotice.js";
import { Corner } from "../ui/corner.js";
import { Countdown } from "../poll/countdown.js";
import { Lobby } from "../wall/lobby.js";
import { Receipt } from "../poll/receipt.js";
import { Steps } from "../task/steplist.js";
import { Twin } from "../poll/tallytable.js";

const SPREAD = 3_000; // ms: a hall of phones does not ask in the moment in which voting begins, or a poll is taken away
const END = 60_000; // ms: how often a phone that is shown nothing asks whether that was all

const find = (selector) => document.querySelector(selector);
let views = null;
let booth = null; // {stream, ballot} of the poll shown

function make(context) {
  const stage = find("#stage");
  const tools = { ...context, live: () => context.live };
  views = {
    corner: new Corner(find("#corner"), tools),
    cookies: new Cookies(find("#cookies"), tools),
    countdown: new Countdown(find("#countdown"), tools),
    announcer: new Announcer(find("#announcer"), context.env),
    twin: new Twin(find("#twin"), tools),
    away: new Away([{ element: document.body, beside: stage }], { texts: context.texts, words: "live.away_vote", blocks: false }),
    receipt: new Receipt(find("#receipt"), tools, () => booth.ballot.takeBack()),
    kept: find("#kept"),
    turnout: find("#turnout"),
    more: find("#more"),
    earlier: new Earlier({ ...tools, audience: false, spread: SPREAD }),
    where: find("#where"),
    poll: new Choices(stage, tools, (choices, code) => booth.ballot.cast(choices, code), (text) => views.announcer.repeat(text)),
    task: new Steps(stage, tools),
    lobby: new Lobby(stage, tools),
    overview: context.page.wallStream ? new Overview(tools, { every: END, spread: SPREAD }) : null,
  };
  views.poll.changed = () => draw(context);
  views.gone = views.waiting = views.end = views.lobby;
  return views;
}

function boothOf(context, stream, poll) {
  const { round } = poll;
  if (!booth || booth.stream !== stream) {
    const id = stream.slice("polls/".length);
    const learned = (needsCode) => { ballot.needsCode = needsCode; };
    const calls = ballotCalls({ poll: id, live: context.live, env: context.env, learned });
    const ballot = new Ballot({ ...calls, env: context.env, changed: () => draw(context) });
    const made = context.page.poll && context.page.poll.id === id ? context.page.poll : null;
    // The ballot in a page that was made for this visit is the one that is stored now.
    const current = made && !booth && context.env.madeNow();
    // Who is known by a code in one poll of a wall is so in all of them; the server says it for certain.
    const known = made ? !made.needs_code : Boolean(booth && booth.codes && !booth.ballot.needsCode);
    booth = { stream, ballot, codes: poll.assurance === "code" };
    booth.ballot.start(made ? made.ballot : null, round, booth.codes && !known);
    if (!current) booth.ballot.reload();
  } else {
    booth.ballot.enter(round);
  }
  return booth.ballot;
}

/** For how long ballots are kept, where they are not for ever. */
function kept({ page, texts }, poll) {
  if (poll.erased_at) return texts.say("poll.erased", { date: poll.erased_at.slice(0, 10) });
  return page.ballotDays ? texts.say("poll.kept_days", { n: page.ballotDays }, page.ballotDays) : "";
}

function drawPoll(context, scene) {
  const { poll, tally } = scene;
  const ballot = boothOf(context, scene.stream, poll);
  const earlier = views.earlier.of(scene);
  views.poll.update({ ...scene, earlier }, ballot);
  const answer = views.receipt.update(poll, ballot);
  if (answer) views.announcer.say(answer);
  const cast = ballots(scene);
  const words = context.texts.say("poll.ballots", { n: context.number(cast) }, cast);
  setText(views.turnout, words);
  setText(views.kept, kept(context, poll));
  const list = rows(poll, tally, earlier);
  const counted = list.some((row) => row.counted);
  views.more.hidden = !counted || poll.phase !== "closed";
  setAttribute(views.more.firstElementChild, "href", `/${scene.stream}/replay`);
  if (counted) {
    views.twin.update(JSON.stringify([scene.stream, poll.round, poll.phase]), poll.title, list, cast, poll.round - 1);
    views.announcer.count(words);
  } else {
    views.twin.clear();
  }
}

/** The scene, or that every poll of the wall was asked, as soon as that is known. */
function shownNow(scene) {
  const found = views.overview && views.overview.of(scene);
  return found ? { ...scene, ...found, kind: "end" } : scene;
}

function draw(context) {
  const held = document.activeElement;
  const question = find("#stage h1");
  show(context);
  keepFocus(held, () => {
    const heading = find("#stage h1");
    const answer = find("#receipt");
    return heading === question && !answer.hidden ? answer : heading;
  });
}

function show(context) {
  if (!views) make(context);
  views.corner.update(context.live);
  views.away.update(context.live);
  views.cookies.update(booth && booth.ballot);
  // The page as the server made it stays until there is something newer to show.
  if (context.scene.kind === "waiting") return;
  const scene = shownNow(context.scene);
  if (scene.wall) setText(views.where, scene.wall.title);
  const view = views[scene.kind];
  for (const other of [views.poll, views.task, views.lobby]) if (other !== view) other.leave();
  if (scene.kind === "poll") drawPoll(context, scene);
  else {
    view.update(scene);
    views.receipt.hide();
    views.twin.clear();
    views.more.hidden = true;
    setText(views.turnout, "");
    setText(views.kept, "");
  }
  views.countdown.update(scene, context.live.clock);
}

function tick(context) {
  if (!views) return;
  views.corner.update(context.live);
  views.away.update(context.live);
  views.countdown.update(context.scene, context.live.clock);
  if (context.scene.kind === "task") views.task.tick();
  if (context.scene.kind === "lobby") shownNow(context.scene); // asks again whether that was all
  if (context.scene.kind === "poll") views.earlier.of(context.scene); // asks again where it was not answered
}

start({ draw, tick });
