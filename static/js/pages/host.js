// The host's remote control of a wall: what is on the screen, the items in their order, and everything that can be done
// with them, by buttons and by keys.

import { AskingPanel } from "../host/asking.js";
import { HostController } from "../host/controller.js";
import { HealthPanel } from "../host/health.js";
import { ItemList } from "../host/itemlist.js";
import { openKeyList } from "../host/keylist.js";
import { actionOf } from "../host/keys.js";
import { StagePanel } from "../host/stage.js";
import { WallModel } from "../host/wallmodel.js";
import { browserEnvironment, reconnectOnWake } from "../net/environment.js";
import { LiveStreams } from "../net/streams.js";
import { Countdown } from "../poll/countdown.js";
import { adoptKinds } from "../poll/kinds/index.js";
import { Announcer } from "../ui/announcer.js";
import { Corner } from "../ui/corner.js";
import { dataBlock, find, h, setText } from "../ui/dom.js";
import { Notice } from "../ui/notice.js";
import { OfflineNotice } from "../ui/offline.js";
import { Texts } from "../ui/texts.js";
import { toggleFullScreen } from "../wall/keys.js";

/** @import { Item } from "../host/wallmodel.js" */

/** How often the number of messages in the rooms of the wall is read, in milliseconds. */
const ROOMS_EVERY = 20_000;

const page = dataBlock("page");
adoptKinds(page.kinds);
const env = browserEnvironment();
const texts = new Texts(dataBlock("texts"));
const numbers = new Intl.NumberFormat(page.lang || undefined);
const tools = { page, env, texts, number: (/** @type {number} */ value) => numbers.format(value) };

const live = new LiveStreams({ streams: [page.wallStream], env, onChange: () => draw() });
const model = new WallModel(page, live);
const announcer = new Announcer(find("#announcer"), env);
const notice = new Notice(h("p", { class: "notice" }), tools, announcer);
const controller = new HostController({ ...tools, model, announcer, notice, redraw: () => draw() });
const health = new HealthPanel(find("#health"), tools);
/** @typedef {ReturnType<typeof build>} Views */

/** @type {Views | null} */
let views = null;

/** Replaces the forms of the page without script by parts that live. */
function build() {
  document.documentElement.classList.add("scripted");
  const list = h("ol", { class: "agenda" });
  const none = h("p", { class: "quiet none", hidden: true }, texts.say("host.no_items"));
  const button = (/** @type {string} */ key, /** @type {() => void} */ action) =>
    h("button", { type: "button", class: "second", onclick: action }, texts.say(key));
  find("#items").replaceChildren(
    h("h2", {}, texts.say("host.items")), none, list,
    h("p", { class: "acts" },
      button("home.new_poll", () => controller.create()),
      button("host.rename", () => controller.rename()),
      button("host.keys", () => openKeys())));
  document.body.append(notice.element);
  find("#onphone").addEventListener("submit", (event) => {
    event.preventDefault();
    controller.openPhone();
  });
  // What a form of the page without script reported.
  for (const message of document.querySelectorAll("main > .done")) {
    notice.show(message.textContent || "");
    message.remove();
  }
  const stage = new StagePanel(find("#now"), tools, {
    step: () => controller.step(),
    previous: () => controller.go(-1),
    next: () => controller.go(1),
    open: () => controller.onActive((item) => controller.togglePhase(item)),
    toggleResults: () => controller.onActive((item) => controller.toggleResults(item)),
    reset: () => controller.onActive((item) => controller.reset(item)),
    setTimer: (change) => controller.onActive((item) => controller.setTimer(item, change)),
  });
  const items = new ItemList(list, tools, {
    show: (item) => controller.show(item === model.wall.active ? null : item),
    togglePhase: (item) => controller.togglePhase(item),
    toggleResults: (item) => controller.toggleResults(item),
    edit: (item) => controller.edit(item),
    duplicate: (item) => controller.duplicate(item),
    reset: (item) => controller.reset(item),
    archive: (item) => controller.archive(item),
    erase: (item) => controller.erase(item),
    moveBy: (item, by) => controller.moveBy(item, by),
    moveTo: (item, place) => controller.moveTo(item, place),
    remove: (item) => views && views.asking.remove(item),
  });
  const asking = new AskingPanel(find("#asking"), { ...tools, model, live, announcer, notice, runner: controller.runner });
  const offline = new OfflineNotice([{ element: find("#now"), beside: find("#now .steer") }, { element: find("#items"), beside: none }], tools);
  return { corner: new Corner(find("#corner"), tools), countdown: new Countdown(find("#countdown"), tools), title: find("#wall"), none, stage, items, asking, offline };
}

function openKeys() {
  openKeyList(texts, Boolean(model.wall.questions));
}

function draw() {
  if (!views) views = build();
  model.follow();
  controller.connectionChanged(live.status);
  views.corner.update(live);
  if (live.refusal || model.isGone) {
    controller.reload();
    return;
  }
  const { wall, active } = model;
  setText(views.title, wall.title);
  views.none.hidden = wall.items.length > 0;
  views.stage.update({ item: active, wall, step: controller.nextStep(), busy: controller.busy });
  views.items.update(wall, (item) => model.item(item));
  views.asking.update();
  drawCountdown(views.countdown, active);
  controller.announce(active);
  views.offline.update(live);
  if (model.unknown.length) controller.readItems(model.unknown);
}

function tick() {
  if (!views) return;
  views.corner.update(live);
  drawCountdown(views.countdown, model.active);
  views.asking.update();
  views.offline.update(live);
  health.tick();
}

/**
 * @param {Countdown} countdown
 * @param {Item | null} item
 */
function drawCountdown(countdown, item) {
  const poll = item && item.poll;
  countdown.update(poll && poll.phase !== "draft" ? { kind: "poll", poll } : { kind: "lobby" }, live.clock);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const target = event.target instanceof Element ? event.target : null;
  const typing = Boolean(target && target.closest("input, select, textarea, [contenteditable]"));
  const control = Boolean(target && target.closest("button, a, summary"));
  const action = actionOf(event, { typing, control });
  if (!action) return;
  event.preventDefault();
  if (action === "keys") openKeys();
  else if (action === "full") toggleFullScreen(document);
  else if (views && views.offline.offline) notice.show(texts.say("live.away_act"), { wrong: true });
  else controller.key(action);
});

health.refresh();
live.start();
reconnectOnWake(live.connection);
window.setInterval(tick, 1000);
window.setInterval(() => controller.refreshRooms(), ROOMS_EVERY);
