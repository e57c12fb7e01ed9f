// A wall's remote control, live: what stands on the screen, the items in their order, and everything that can be done
// with them, by buttons and by keys.

import { dataBlock, h, setText } from "../ui/dom.js";
import { browser, wakeOn } from "../net/environment.js";
import { meaning } from "../host/keys.js";
import { Agenda } from "../host/wallmodel.js";
import { Steering } from "../host/controller.js";
import { Live } from "../net/streams.js";
import { Texts } from "../ui/texts.js";
import { Announcer } from "../ui/announcer.js";
import { Away } from "../ui/offline.js";
import { Corner } from "../ui/corner.js";
import { Countdown } from "../poll/countdown.js";
import { Health } from "../host/health.js";
import { HostList } from "../host/itemlist.js";
import { HostStage } from "../host/stage.js";
import { openKeys } from "../host/keylist.js";
import { Notice } from "../ui/notice.js";

const find = (selector) => document.querySelector(selector);
const page = dataBlock("page");
const env = browser();
const texts = new Texts(dataBlock("texts"));
const numbers = new Intl.NumberFormat(page.lang || undefined);
const tools = { page, env, texts, number: (value) => numbers.format(value) };

const live = new Live({ streams: [page.wallStream], env, changed: () => draw() });
const agenda = new Agenda(page, live);
const announcer = new Announcer(find("#announcer"), env);
const steering = new Steering({ ...tools, agenda, announcer, redraw: () => draw() });
let views = null;

/** The parts that forms made are made anew, as parts that live. */
function make() {
  document.documentElement.classList.add("scripted");
  const notice = h("p", { class: "notice" });
  const list = h("ol", { class: "agenda" });
  const button = (key, act) => h("button", { type: "button", class: "second", onclick: act }, texts.say(key));
  find("#items").replaceChildren(
    h("h2", {}, texts.say("host.items")),
    h("p", { class: "quiet none", hidden: true }, texts.say("host.no_items")),
    list,
    h("p", { class: "acts" }, button("home.new_poll", () => steering.make()), button("host.rename", () => steering.rename()), button("host.keys", () => openKeys(texts))));
  document.body.append(notice);
  find("#onphone").addEventListener("submit", (event) => {
    event.preventDefault();
    steering.phone();
  });
  steering.notice = new Notice(notice, tools, announcer);
  for (const said of document.querySelectorAll("main > .done")) {
    steering.notice.say(said.textContent);
    said.remove();
  }
  views = {
    corner: new Corner(find("#corner"), tools),
    countdown: new Countdown(find("#countdown"), tools),
    stage: new HostStage(find("#now"), tools, steering.stage),
    list: new HostList(list, tools, steering.rows),
    away: new Away([{ element: find("#now"), beside: find("#now .steer") }, { element: find("#items"), beside: find("#items .none") }], tools),
    none: find("#items .none"),
    title: find("#wall"),
  };
}

function draw() {
  if (!views) make();
  agenda.follow();
  steering.connectionIs(live.status);
  views.corner.update(live);
  const { wall } = agenda;
  if (live.refusal || agenda.gone) {
    steering.gone();
    return;
  }
  const entry = wall.active ? agenda.entry(wall.active) : null;
  setText(views.title, wall.title);
  views.none.hidden = wall.items.length > 0;
  views.stage.update({ entry, wall, items: wall.items, step: steering.nextStep(), busy: steering.remote.busy });
  views.list.update(wall, (item) => agenda.entry(item));
  countDown(entry);
  steering.tell(entry);
  views.away.update(live);
  if (agenda.unknown.length) steering.catchUp(agenda.unknown);
}

function tick() {
  if (!views) return;
  views.corner.update(live);
  const entry = agenda.wall.active ? agenda.entry(agenda.wall.active) : null;
  countDown(entry);
  views.away.update(live);
  health.tick(live);
}

function countDown(entry) {
  const running = entry && entry.poll && entry.poll.phase !== "draft";
  views.countdown.update(running ? { kind: "poll", poll: entry.poll } : { kind: "lobby" }, live.clock);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || find("dialog[open]")) return;
  const { target } = event;
  const typing = Boolean(target.closest && target.closest("input, select, textarea, [contenteditable]"));
  const control = Boolean(target.closest && target.closest("button, a, summary"));
  const act = meaning(event, { typing, control });
  if (!act) return;
  event.preventDefault();
  if (act === "keys") openKeys(texts);
  else if (act === "full") fullScreen();
  else if (views.away.away) steering.notice.say(texts.say("live.away_act"), { wrong: true });
  else steering.key(act);
});

function fullScreen() {
  const change = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen && document.documentElement.requestFullscreen();
  if (change) change.catch(() => {}); // not allowed here: the page stays as it is
}

const health = new Health(find("#health"), tools);
health.start();
live.start();
wakeOn(live.connection);
window.setInterval(tick, 1000);
