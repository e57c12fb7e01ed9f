// The list of tasks: a row a task, kept as long as the task is listed and changed in place. While somebody points at
// the list no row leaves its place: what is to move does so a moment after the pointer rests.

import { h, setAttribute, setText } from "../ui/dom.js";
import { inUtc, moment } from "../ui/timestamps.js";
import { hasEnded } from "./states.js";
import { GROUPS } from "./groups.js";
import { elapsed, expected } from "./timing.js";
import { Badge } from "./badge.js";

const REST = 2_500;

export class TaskList {
  constructor(element, { texts, env, live }) {
    this.element = element;
    this.tools = { texts, env, live };
    this.rows = new Map();
    this.pointedAt = -Infinity;
    this.timer = null;
    this.groups = Object.fromEntries(GROUPS.map((group) => {
      const section = element.querySelector(`[data-group="${group}"]`);
      return [group, { section, many: section.querySelector(".many"), none: section.querySelector(".quiet"), list: section.querySelector("ul") }];
    }));
    this.begun = false; // until then the rows are the server's
    for (const event of ["pointermove", "pointerdown"]) {
      element.addEventListener(event, () => (this.pointedAt = env.now()), { passive: true });
    }
    element.addEventListener("pointerleave", () => (this.pointedAt = -Infinity));
  }

  /** `groups` as tasklist.js makes them; `at once` when somebody asked for another list. */
  update(groups, atOnce = false) {
    this.wanted = groups;
    for (const group of GROUPS) for (const task of groups[group]) this.set(task);
    const { env } = this.tools;
    env.clearTimeout(this.timer);
    const due = this.pointedAt + REST - env.now();
    if (atOnce || due <= 0) this.arrange();
    else this.timer = env.setTimeout(() => this.arrange(), due);
    this.tick();
  }

  row(task) {
    const parts = {
      badge: new Badge(this.tools.texts), title: h("a", { href: `/tasks/${encodeURIComponent(task.id)}`, dir: "auto" }),
      pipeline: h("span"), by: h("span"), why: h("span", { class: "why", dir: "auto" }), time: h("b", { class: "time" }), rest: h("span", { class: "rest" }),
    };
    parts.item = h("li", { class: "entry", "data-id": task.id }, parts.badge.element,
      h("div", { class: "what" }, parts.title,
        h("p", { class: "meta" }, h("span", {}, `#${task.id}`), parts.pipeline, parts.by, parts.why)),
      h("p", { class: "eta" }, parts.time, " ", parts.rest));
    return parts;
  }

  set(task) {
    const { texts } = this.tools;
    if (!this.rows.has(task.id)) this.rows.set(task.id, this.row(task));
    const parts = this.rows.get(task.id);
    parts.task = task;
    parts.badge.set(task.state);
    setText(parts.title, task.title);
    setText(parts.pipeline, task.pipeline || "");
    setText(parts.by, task.started_by ? texts.say("task.by", { name: task.started_by }) : "");
    setText(parts.why, task.reason || "");
  }

  /** Puts every row where it belongs, moving only those that are elsewhere. */
  arrange() {
    const { texts } = this.tools;
    const kept = new Set();
    if (!this.begun) for (const group of GROUPS) this.groups[group].list.replaceChildren();
    this.begun = true;
    const any = GROUPS.some((group) => this.wanted[group].length);
    for (const group of GROUPS) {
      const { list, many, none, section } = this.groups[group];
      section.hidden = any && !this.wanted[group].length; // an empty one among others says nothing
      let place = list.firstElementChild;
      for (const task of this.wanted[group]) {
        kept.add(task.id);
        const { item } = this.rows.get(task.id);
        if (item === place) place = place.nextElementSibling;
        else list.insertBefore(item, place);
      }
      setText(many, this.wanted[group].length ? String(this.wanted[group].length) : "");
      setText(none, texts.say(`tasks.none.${group}`));
      none.hidden = this.wanted[group].length > 0;
    }
    for (const [id, { item }] of this.rows) {
      if (kept.has(id)) continue;
      item.remove();
      this.rows.delete(id);
    }
  }

  tick() {
    const now = this.tools.live().clock.now();
    for (const { task, time, rest } of this.rows.values()) {
      setText(time, elapsed(task, now));
      setText(rest, hasEnded(task.state) ? moment(task.ended_at, { seconds: false }) : expected(task, now, this.tools.texts));
      setAttribute(rest, "title", hasEnded(task.state) ? inUtc(task.ended_at) : "");
    }
  }
}
