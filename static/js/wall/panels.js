// The panels below the tabs of a wall. The vote is on the page; the others are fetched from the server and started when they
// are shown for the first time.

import { h, setText } from "../ui/dom.js";
import { adoptStyles, fetchPage } from "./adopt.js";

/** @import { Stream } from "../net/wire.d.ts" */
/** @import { Announcer } from "../ui/announcer.js" */
/** @import { Context } from "./livepage.js" */
/** @import { Tab } from "./tabrules.js" */

/** A panel that could not be loaded is tried again after so many milliseconds. */
const AGAIN = 3_000;
/** The pages of a hall, which all follow what its wall shows, load a panel within so many milliseconds. */
const SPREAD = 3_000;

/** What a module of a panel returns. @typedef {{update: () => void, shown: () => void, left?: () => void, stop?: () => void}} Mounted */

/**
 * @typedef {object} PanelsTools
 * @property {string} wall
 * @property {Announcer} announcer
 * @property {() => Stream | null} room
 * @property {(name: Tab) => boolean} isShown
 * @property {() => boolean} isChosen whether the reader has chosen the tab, and does not follow the wall
 */

/** The panels beside the vote. */
const BESIDE = /** @type {const} */ (["questions", "talk"]);

export class Panels {
  /**
   * @param {Context} context
   * @param {PanelsTools} tools
   */
  constructor(context, { wall, announcer, room, isShown, isChosen }) {
    this.context = context;
    this.wall = wall;
    this.announcer = announcer;
    this.room = room;
    this.isShown = isShown;
    this.isChosen = isChosen;
    /** @type {Partial<Record<Tab, Mounted>>} */
    this.mounted = {};
    /** @type {Set<Tab>} */
    this.loading = new Set();
    /** @type {Stream | null} the room in the panel */
    this.held = null;
    this.tries = 0;
    this.hurry = () => {};
    /** @type {Tab | null} */
    this.last = null;
  }

  /**
   * @param {Tab} name
   * @returns {HTMLElement}
   */
  element(name) {
    const found = document.getElementById(`${name}panel`);
    if (found) return found;
    const made = h("div", { id: `${name}panel`, class: "panel", hidden: true });
    const vote = document.querySelector("#votepanel");
    if (vote) vote.after(made);
    return made;
  }

  /** @param {Tab} name */
  show(name) {
    const isChanged = name !== this.last;
    const left = this.last && this.mounted[this.last];
    if (isChanged && left && left.left) left.left();
    this.last = name;
    const vote = this.element("vote");
    const isTabbed = document.body.classList.contains("tabbed");
    vote.classList.toggle("panel", isTabbed);
    for (const each of /** @type {Tab[]} */ (["vote", ...BESIDE])) {
      const panel = each === name || each === "vote" || document.getElementById(`${each}panel`) ? this.element(each) : null;
      if (!panel) continue;
      panel.hidden = each !== name;
      if (!isTabbed) continue;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", `tab-${each}`);
    }
    document.body.classList.toggle("talking", name === "talk");
    const skip = document.querySelector(".skip");
    if (skip) skip.setAttribute("href", name === "vote" ? "#stage" : `#${name}panel`);
    if (name === "vote") {
      this.update();
      return;
    }
    if (name === "talk" && this.held && this.held !== this.room()) this.drop();
    if (this.isChosen()) this.hurry();
    const mounted = this.mounted[name];
    if (!mounted) this.load(name);
    else if (isChanged) mounted.shown();
    this.update();
  }

  /** What is on the page takes what the streams have brought. */
  update() {
    for (const name of BESIDE) {
      const mounted = this.mounted[name];
      if (mounted) mounted.update();
    }
  }

  /** Another room takes the panel. */
  drop() {
    const { talk } = this.mounted;
    if (talk && talk.stop) talk.stop();
    delete this.mounted.talk;
    this.element("talk").textContent = "";
    this.held = null;
  }

  /** @param {"questions" | "talk"} name */
  async load(name) {
    const { env, texts } = this.context;
    const room = this.room();
    if (this.loading.has(name) || (name === "talk" && !room)) return;
    this.loading.add(name);
    const root = this.element(name);
    if (!root.firstElementChild) setText(root, texts.say("live.connecting"));
    if (!this.isChosen()) await this.turn();
    const isMade = await (name === "talk" ? this.adoptRoom(root, room || "") : this.adoptQuestions(root));
    const module = isMade ? await this.module(name) : null;
    this.loading.delete(name);
    if (name === "talk" && room !== this.room()) {
      this.drop();
    } else if (module) {
      const { context, wall, announcer } = this;
      if (name === "talk") this.held = room;
      this.mounted[name] = module.mount(root, { context, wall, announcer, isShown: () => this.isShown(name), ...(isMade || {}) });
      if (this.last === name) /** @type {Mounted} */ (this.mounted[name]).shown();
      return;
    } else if (!root.querySelector("form")) setText(root, texts.say("tabs.not_loaded"));
    env.setTimeout(() => this.last === name && this.load(name), AGAIN);
  }

  /** Waits for a moment, unless the reader chooses the tab meanwhile. @returns {Promise<void>} */
  turn() {
    return new Promise((resolve) => {
      this.hurry = resolve;
      this.context.env.setTimeout(resolve, this.context.env.random() * SPREAD);
    });
  }

  /**
   * The server has made the panel of a wall that took questions when the page was loaded.
   * @param {HTMLElement} root
   */
  async adoptQuestions(root) {
    if (root.querySelector("#asked")) return {};
    const fetched = await fetchPage(this.context.env, `/w/${this.wall}?tab=questions`);
    const made = fetched && fetched.page.getElementById("questionspanel");
    if (!made) return null;
    root.replaceChildren(...made.childNodes);
    return {};
  }

  /**
   * @param {HTMLElement} root
   * @param {Stream} room
   */
  async adoptRoom(root, room) {
    const fetched = await fetchPage(this.context.env, `/${room}`);
    const stage = fetched && fetched.page.getElementById("stage");
    if (!fetched || !stage) return null;
    for (const name of ["dialog", "room"]) {
      const styles = /** @type {HTMLLinkElement | null} */ (fetched.page.querySelector(`link[href*="/css/${name}.css"]`));
      if (styles) await adoptStyles(styles);
    }
    const present = fetched.page.getElementById("present");
    const strip = stage.querySelector(".strip");
    if (present && strip) strip.append(present); // it stands in the head of the room's own page
    root.replaceChildren(h("div", { class: "room" }, ...stage.childNodes));
    return { data: fetched.data, words: fetched.texts };
  }

  /**
   * A browser remembers a module that it could not load, so each try has an address of its own.
   * @param {"questions" | "talk"} name
   */
  async module(name) {
    const address = this.context.page.panels[name] + (this.tries ? `&try=${this.tries}` : "");
    try {
      return await import(address);
    } catch {
      this.tries += 1;
      return null;
    }
  }
}
