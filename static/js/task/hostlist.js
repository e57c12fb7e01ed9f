// The hosts of a step as a list: state, name, time and reason of each. Rows are made once and changed in place; one that
// failed moves to the top, if the reader wants it so.

import { h, setText } from "../ui/dom.js";
import { StateBadge } from "./badge.js";
import { detailOf, failedFirst, unitOf } from "./hosts.js";
import { elapsedText, progressText } from "./timing.js";

/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Target } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { HostStep } from "./hosts.js" */

/** A longer name is cut in the list, and a shorter one only where its row has no room. */
const MOST_LETTERS = 80;

/** @typedef {ReturnType<HostList["makeRow"]>} Row */

export class HostList {
  /** @param {{texts: Texts, live: LiveStreams}} tools */
  constructor({ texts, live }) {
    this.texts = texts;
    this.live = live;
    this.element = h("ol", { class: "hostlist" });
    this.empty = h("p", { class: "quiet", hidden: true }, texts.say("hosts.none_such"));
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    /** @type {HostStep | null} */
    this.step = null;
    /** @type {string | null} */
    this.chosen = null;
    this.filter = "";
    this.isFailedFirst = true;
    this.order = "";
  }

  /** @param {HostStep} step */
  build(step) {
    this.rows = new Map(step.targets.map((target) => [target.host, this.makeRow(step.name, target)]));
    this.order = "";
    this.element.replaceChildren();
    const longest = Math.max(...step.targets.map(({ host }) => host.length));
    this.element.style.setProperty("--name", `${Math.min(MOST_LETTERS, longest + 1)}ch`);
  }

  /**
   * @param {string} step
   * @param {Target} target
   */
  makeRow(step, { host }) {
    const badge = new StateBadge(this.texts);
    const time = h("span", { class: "time" });
    const detail = h("span", { class: "detail", dir: "auto" });
    const link = h("a", { href: `#${new URLSearchParams({ step: unitOf(step, host) })}` },
      badge.element, h("b", { class: "hostname", title: host }, host), time, detail);
    return { item: h("li", {}, link), link, badge, time, detail };
  }

  /** @param {HostStep} step */
  update(step) {
    this.step = step;
    const waves = step.targets[step.targets.length - 1].wave;
    for (const target of step.targets) {
      const row = this.rows.get(target.host);
      if (!row) continue;
      row.badge.set(target.state);
      if (row.item.dataset.state !== target.state) row.item.dataset.state = target.state;
      setText(row.detail, this.detail(target, waves));
    }
    this.arrange();
    this.tick();
  }

  /**
   * Returns a line such as "wave 2 · attempt 2 · 45% · exit status 1".
   * @param {Target} target
   * @param {number} waves
   */
  detail(target, waves) {
    const { texts } = this;
    const wave = waves > 1 ? texts.say("hosts.wave", { n: target.wave }) : "";
    const attempt = target.attempt > 1 ? texts.say("task.attempt", { n: target.attempt }) : "";
    return [wave, attempt, progressText(target), detailOf(target, texts)].filter(Boolean).join(" · ");
  }

  /** Updates the times of what runs. */
  tick() {
    if (!this.step) return;
    const now = this.live.clock.now();
    for (const target of this.step.targets) {
      const row = this.rows.get(target.host);
      if (row) setText(row.time, elapsedText(target, now));
    }
  }

  /** Puts the rows into their order, and hides those that the filter leaves out. Moves no row that may stay. */
  arrange() {
    const { step, filter } = this;
    if (!step) return;
    const ordered = this.isFailedFirst ? failedFirst(step.targets) : step.targets;
    const order = ordered.map((target) => target.host).join(" ");
    if (order !== this.order) {
      this.order = order;
      const focused = document.activeElement;
      let next = this.element.firstElementChild;
      for (const { host } of ordered) {
        const row = this.rows.get(host);
        if (!row) continue;
        if (row.item === next) next = next.nextElementSibling;
        else if (next && next.nextElementSibling === row.item) {
          this.element.append(next); // moves down, to a place that the loop has not reached yet
          next = row.item.nextElementSibling;
        } else this.element.insertBefore(row.item, next);
      }
      if (focused instanceof HTMLElement && focused !== document.activeElement && this.element.contains(focused)) focused.focus();
    }
    let shown = 0;
    for (const target of step.targets) {
      const row = this.rows.get(target.host);
      const isHidden = filter !== "" && target.state !== filter;
      if (row && row.item.hidden !== isHidden) row.item.hidden = isHidden;
      if (!isHidden) shown += 1;
    }
    this.empty.hidden = shown > 0;
  }

  /**
   * Marks the host whose log is shown, and brings its row into view.
   * @param {string | null} host
   */
  choose(host) {
    if (host === this.chosen) return;
    const before = this.rows.get(this.chosen || "");
    const now = this.rows.get(host || "");
    if (before) before.link.removeAttribute("aria-current");
    if (now) now.link.setAttribute("aria-current", "true");
    this.chosen = host;
    if (now && !now.item.hidden) this.reveal(now.item);
  }

  /**
   * Scrolls what the list is in, and not the page.
   * @param {HTMLElement} item
   */
  reveal(item) {
    const scrolls = (/** @type {HTMLElement | null} */ each) => each !== null && each.scrollHeight > each.clientHeight + 1;
    const box = [this.element, this.element.parentElement].find(scrolls);
    if (!box) return;
    const frame = box.getBoundingClientRect();
    const row = item.getBoundingClientRect();
    if (row.top < frame.top) box.scrollTop += row.top - frame.top;
    else if (row.bottom > frame.bottom) box.scrollTop += row.bottom - frame.bottom;
  }
}
