// The list of tasks, live. The stream has the running and waiting ones and the last hundred that ended; older ones are
// fetched.

import { groupTasks, mergeTasks } from "../task/groups.js";
import { TaskHistory } from "../task/history.js";
import { TaskList } from "../task/list.js";
import { Corner } from "../ui/corner.js";
import { find, h, setText } from "../ui/dom.js";
import { OfflineNotice } from "../ui/offline.js";
import { startLivePage } from "../wall/livepage.js";

/** @import { Context } from "../wall/livepage.js" */

const TYPING_PAUSE = 300;

/** @typedef {ReturnType<typeof build>} Views */

/** @type {Views | null} */
let built = null;

/** @param {Context} context */
function build(context) {
  const { env, texts } = context;
  /** @type {HTMLFormElement} */
  const form = find("#filter");
  const more = find("p.more");
  const button = h("button", { type: "button", class: "second", onclick: () => fetchOlder(views, context, true) }, texts.say("tasks.older"));
  more.replaceChildren(button);
  /** @type {number | null} */
  let timer = null;
  form.addEventListener("input", () => {
    env.clearTimeout(timer);
    timer = env.setTimeout(() => applyFilter(views, context), TYPING_PAUSE);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    env.clearTimeout(timer);
    applyFilter(views, context);
  });
  const views = {
    corner: new Corner(find("#corner"), context),
    list: new TaskList(find("#groups"), context),
    history: new TaskHistory(env),
    offline: new OfflineNotice([{ element: find("#groups") }, { element: more }], { texts, textKey: "live.away_figures" }),
    form, button,
    status: find("#outcome"),
    filter: { state: "", q: "" },
    hasDrawn: false,
  };
  return views;
}

/** @param {Context} context */
function streamValues(context) {
  return context.live.state("tasks").values;
}

/** @param {Views} views */
function readFilter({ form }) {
  const data = new FormData(form);
  return { state: String(data.get("state") || ""), q: String(data.get("q") || "").trim() };
}

/**
 * Applies the filter: the list shows at once what the page has, and the server is asked for what is older.
 * @param {Views} views
 * @param {Context} context
 * @param {boolean} redraw
 */
function applyFilter(views, context, redraw = true) {
  views.filter = readFilter(views);
  const { state, q } = views.filter;
  const query = new URLSearchParams({ ...(state ? { state } : {}), ...(q ? { q } : {}) }).toString();
  history.replaceState(null, "", location.pathname + (query ? `?${query}` : ""));
  views.history.clear();
  views.button.hidden = !state && !q && !context.page.older;
  setText(views.status, "");
  if (redraw) drawList(views, context, true);
  if (state || q) fetchOlder(views, context, false);
}

/**
 * @param {Views} views
 * @param {Context} context
 * @param {boolean} asked whether somebody pressed the button
 */
async function fetchOlder(views, context, asked) {
  const { texts } = context;
  const listed = new Set(Object.keys(streamValues(context)).map((key) => key.slice("task/".length)));
  views.button.disabled = true;
  setText(views.status, "");
  try {
    const count = await views.history.fetch(views.filter, listed);
    if (count === null) return;
    if (asked && !count) setText(views.status, texts.say("tasks.no_older"));
    drawList(views, context, true);
  } catch {
    setText(views.status, texts.say("tasks.not_loaded"));
  } finally {
    views.button.disabled = false;
    views.button.hidden = views.history.next === null;
  }
}

/** @param {Context} context */
function draw(context) {
  if (!built) {
    built = build(context);
    applyFilter(built, context, false);
  }
  drawList(built, context, false);
}

/**
 * @param {Views} views
 * @param {Context} context
 * @param {boolean} atOnce whether rows move even while somebody points at the list
 */
function drawList(views, context, atOnce) {
  const { live, texts } = context;
  views.corner.update(live);
  views.offline.update(live);
  // Until there is something newer, the list is the server's.
  if (!live.state("tasks").ready && !views.history.tasks.size && !views.hasDrawn) return;
  views.hasDrawn = true;
  const groups = groupTasks(mergeTasks(streamValues(context), views.history.tasks), views.filter);
  views.list.update(groups, atOnce);
  const { state, q } = views.filter;
  const isEmpty = Object.values(groups).every((group) => !group.length);
  if (isEmpty && (state || q)) setText(views.status, texts.say("tasks.no_match"));
}

/** @param {Context} context */
function tick(context) {
  const views = built;
  if (!views) return;
  views.corner.update(context.live);
  views.offline.update(context.live);
  // While the server is gone, nobody knows for how long each task has been running.
  if (!views.offline.offline) views.list.tick();
}

startLivePage({ draw, tick });
