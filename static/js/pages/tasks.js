// The list of tasks, live. The stream has what lives and the last hundred that ended; older ones are fetched.

import { start } from "../wall/livepage.js";
import { grouped, together } from "../task/groups.js";
import { Away } from "../ui/offline.js";
import { Corner } from "../ui/corner.js";
import { TaskList } from "../task/list.js";
import { setText } from "../ui/dom.js";

const find = (selector) => document.querySelector(selector);
const PAUSE = 300; // while somebody types
const PAGES = 6; // fetched in one go, where they bring nothing that is not listed already
let views = null;

class Older {
  /** Tasks that the stream no longer has, a page at a time, for one filter. */
  constructor(env) {
    this.env = env;
    this.clear();
  }

  clear() {
    this.tasks = new Map();
    this.next = undefined; // not asked yet; null: there are no more
    this.turn = (this.turn || 0) + 1;
  }

  /** Fetches until something new came. Resolves with the number of new tasks, null when another filter came between. */
  async fetch({ state, q }, known) {
    const { turn } = this;
    for (let page = 0; page < PAGES && this.next !== null; page += 1) {
      const query = new URLSearchParams({ limit: "50", state, q, ...(this.next ? { before: this.next } : {}) });
      const response = await this.env.fetch(`/api/tasks?${query}`, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(`${response.status}`);
      const { items, next } = await response.json();
      if (turn !== this.turn) return null;
      this.next = next;
      const fresh = items.filter((task) => !known.has(task.id) && !this.tasks.has(task.id));
      for (const task of items) this.tasks.set(task.id, task);
      if (fresh.length) return fresh.length;
    }
    return 0;
  }
}

function make(context) {
  const tools = { ...context, live: () => context.live, lang: context.page.lang };
  views = {
    corner: new Corner(find("#corner"), tools),
    list: new TaskList(find("#groups"), tools),
    older: new Older(context.env),
    form: find("#filter"),
    more: find("p.more"),
    told: find("#told"),
    filter: null,
    timer: null,
  };
  const button = document.createElement("button");
  button.type = "button";
  button.className = "second";
  button.textContent = context.texts.say("tasks.older");
  button.addEventListener("click", () => fetchOlder(context, true));
  views.more.replaceChildren(button);
  views.button = button;
  views.away = new Away([{ element: find("#groups") }, { element: views.more }], { texts: context.texts, words: "live.away_figures" });
  views.form.addEventListener("input", () => {
    context.env.clearTimeout(views.timer);
    views.timer = context.env.setTimeout(() => filtered(context), PAUSE);
  });
  views.form.addEventListener("submit", (event) => {
    event.preventDefault();
    filtered(context);
  });
  filtered(context, false);
}

function values(context) {
  return context.live.state("tasks").values;
}

/** The filter was changed: the list shows it at once, and asks the server for what is older. */
function filtered(context, redraw = true) {
  context.env.clearTimeout(views.timer);
  const given = new FormData(views.form);
  views.filter = { state: given.get("state") || "", q: (given.get("q") || "").trim() };
  const { state, q } = views.filter;
  const query = new URLSearchParams({ ...(state ? { state } : {}), ...(q ? { q } : {}) }).toString();
  history.replaceState(null, "", location.pathname + (query ? `?${query}` : ""));
  views.older.clear();
  views.button.hidden = !state && !q && !context.page.older;
  setText(views.told, "");
  if (redraw) draw(context, true);
  if (state || q) fetchOlder(context, false);
}

async function fetchOlder(context, asked) {
  const known = new Set(Object.keys(values(context)).map((key) => key.slice("task/".length)));
  const said = context.texts;
  views.button.disabled = true;
  setText(views.told, "");
  try {
    const found = await views.older.fetch(views.filter, known);
    if (found === null) return;
    if (asked && !found) setText(views.told, said.say("tasks.no_older"));
    draw(context, true);
  } catch {
    setText(views.told, said.say("tasks.not_loaded"));
  } finally {
    views.button.disabled = false;
    views.button.hidden = views.older.next === null;
  }
}

function draw(context, atOnce = false) {
  if (!views) make(context);
  views.corner.update(context.live);
  views.away.update(context.live);
  const { ready } = context.live.state("tasks");
  if (!ready && !views.older.tasks.size && !views.shown) return;
  views.shown = true;
  const tasks = together(values(context), views.older.tasks);
  const groups = grouped(tasks, views.filter);
  views.list.update(groups, atOnce === true);
  const { state, q } = views.filter;
  const none = Object.values(groups).every((group) => !group.length);
  if (none && (state || q)) setText(views.told, context.texts.say("tasks.no_match"));
}

function tick(context) {
  if (!views) return;
  views.corner.update(context.live);
  views.away.update(context.live);
  if (!views.away.away) views.list.tick(); // how long each has been running by now, nobody knows
}

start({ draw, tick });
