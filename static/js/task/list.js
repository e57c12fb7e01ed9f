// The list of tasks: a row per task, kept as long as the task is listed and changed in place. While somebody points at
// the list no row moves, so that a click hits the row it was meant for; moves are made when the pointer has rested.

import { find, h, setAttribute, setText } from "../ui/dom.js";
import { formatTimestamp, formatUtc } from "../ui/timestamps.js";
import { StateBadge } from "./badge.js";
import { GROUPS } from "./groups.js";
import { hasEnded } from "./states.js";
import { elapsedText, forecastText } from "./timing.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Task } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { Group } from "./groups.js" */

const POINTER_REST = 2_500;

export class TaskList {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, env: Environment, live: LiveStreams, page: {host?: boolean}}} tools `host` is there for those who may
   *   put tasks on walls
   */
  constructor(element, { texts, env, live, page }) {
    this.texts = texts;
    this.env = env;
    this.live = live;
    this.isHost = page.host === true;
    /** @type {Map<string, ReturnType<TaskList["makeRow"]>>} */
    this.rows = new Map();
    this.pointedAt = -Infinity;
    /** @type {number | null} */
    this.timer = null;
    this.groups = GROUPS.map((name) => {
      const section = find(`[data-group="${name}"]`, element);
      return { name, section, count: find(".many", section), none: find(".quiet", section), list: find("ul", section) };
    });
    /** Whether the rows are this module's; before that they are the server's. */
    this.started = false;
    for (const type of ["pointermove", "pointerdown"]) {
      element.addEventListener(type, () => { this.pointedAt = env.now(); }, { passive: true });
    }
    element.addEventListener("pointerleave", () => { this.pointedAt = -Infinity; });
  }

  /**
   * @param {Record<Group, Task[]>} tasks
   * @param {boolean} atOnce somebody asked for another list
   */
  update(tasks, atOnce = false) {
    for (const group of GROUPS) for (const task of tasks[group]) this.drawRow(task);
    this.env.clearTimeout(this.timer);
    const due = this.pointedAt + POINTER_REST - this.env.now();
    if (atOnce || due <= 0) this.arrange(tasks);
    else this.timer = this.env.setTimeout(() => this.arrange(tasks), due);
    this.tick();
  }

  /** @param {Task} task */
  makeRow(task) {
    const badge = new StateBadge(this.texts);
    const title = h("a", { href: `/tasks/${encodeURIComponent(task.id)}`, dir: "auto" });
    const pipeline = h("span");
    const startedBy = h("span");
    const reason = h("span", { class: "why", dir: "auto" });
    const wall = this.isHost ? h("a", { href: `/desk/tasks/${encodeURIComponent(task.id)}?do=wall` }, this.texts.say("task.to_wall")) : null;
    const time = h("b", { class: "time" });
    const rest = h("span", { class: "rest" });
    const item = h("li", { class: "entry", "data-id": task.id }, badge.element,
      h("div", { class: "what" }, title, h("p", { class: "meta" }, h("span", {}, `#${task.id}`), pipeline, startedBy, reason, wall)),
      h("p", { class: "eta" }, time, " ", rest));
    return { task, item, badge, title, pipeline, startedBy, reason, wall, time, rest };
  }

  /** @param {Task} task */
  drawRow(task) {
    let row = this.rows.get(task.id);
    if (!row) {
      row = this.makeRow(task);
      this.rows.set(task.id, row);
    }
    row.task = task;
    row.badge.set(task.state);
    setText(row.title, task.title);
    if (row.wall) setAttribute(row.wall, "aria-label", `${this.texts.say("task.to_wall")} ${task.title}`);
    setText(row.pipeline, task.pipeline || "");
    setText(row.startedBy, task.started_by ? this.texts.say("task.by", { name: task.started_by }) : "");
    setText(row.reason, task.reason || "");
  }

  /**
   * Puts every row into its place. A row that is there already is not moved: it would lose its focus.
   * @param {Record<Group, Task[]>} tasks
   */
  arrange(tasks) {
    if (!this.started) for (const { list } of this.groups) list.replaceChildren();
    this.started = true;
    const listed = new Set();
    const isAnyListed = GROUPS.some((group) => tasks[group].length);
    for (const { name, section, count, none, list } of this.groups) {
      const own = tasks[name];
      section.hidden = isAnyListed && !own.length; // beside others, an empty group says nothing
      let place = list.firstElementChild;
      for (const task of own) {
        listed.add(task.id);
        const row = this.rows.get(task.id);
        if (!row) continue;
        if (row.item === place) place = place.nextElementSibling;
        else list.insertBefore(row.item, place);
      }
      setText(count, own.length ? String(own.length) : "");
      setText(none, this.texts.say(`tasks.none.${name}`));
      none.hidden = own.length > 0;
    }
    for (const [id, { item }] of this.rows) {
      if (listed.has(id)) continue;
      item.remove();
      this.rows.delete(id);
    }
  }

  tick() {
    const now = this.live.clock.now();
    for (const { task, time, rest } of this.rows.values()) {
      const ended = hasEnded(task.state);
      setText(time, elapsedText(task, now));
      setText(rest, ended ? formatTimestamp(task.ended_at, { seconds: false }) : forecastText(task, now, this.texts));
      setAttribute(rest, "title", ended ? formatUtc(task.ended_at) : "");
    }
  }
}
