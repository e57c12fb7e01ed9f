// The tabs of a wall's page: the vote, the questions, the room. What a tab shows besides the vote is loaded when somebody
// looks there for the first time.

import { h, setAttribute, setText } from "../ui/dom.js";
import { fitAboveKeyboard } from "../ui/keyboard.js";
import { SeenStorage } from "../ui/seen.js";
import { Panels } from "./panels.js";
import { activeTab, isNew, newestMarks, nextTab, roomOf, tabsOf } from "./tabrules.js";

/** @import { Stream, Wall } from "../net/wire.d.ts" */
/** @import { Announcer } from "../ui/announcer.js" */
/** @import { Context } from "./livepage.js" */
/** @import { Tab } from "./tabrules.js" */

/** What a panel is made with. @typedef {{context: Context, wall: string, announcer: Announcer, isShown: () => boolean}} PanelTools */

/** For so long after a touch nothing is moved away under the finger. */
const TOUCH = 1_500;
/** More messages of a room than these are not kept while nobody looks there. */
const MOST_KEPT = 600;

export class WallTabs {
  /**
   * @param {Context} context
   * @param {Announcer} announcer
   */
  constructor(context, announcer) {
    this.context = context;
    this.announcer = announcer;
    this.code = context.page.wallStream.slice("walls/".length);
    this.seen = new SeenStorage(this.code);
    const { tabs } = context.page;
    /** @type {Tab} */
    this.shown = tabs ? tabs.shown : "vote";
    this.chosen = tabs ? tabs.chosen : false;
    /** @type {Tab[]} */
    this.tabs = [];
    /** @type {Stream | null} */
    this.room = null;
    /** @type {Wall | undefined} */
    this.wall = undefined;
    /** @type {Set<Stream>} rooms that the reader may not read */
    this.refused = new Set();
    /** @type {Set<Tab>} */
    this.marked = new Set();
    this.touchedAt = -Infinity;
    this.isPressed = false;
    this.bar = this.takeBar();
    this.panels = new Panels(context, {
      wall: this.code, announcer, room: () => this.room, isShown: (name) => this.tabs.includes(name) && this.shown === name,
      isChosen: () => this.chosen,
    });
    this.listen();
    fitAboveKeyboard(() => this.shown === "talk");
  }

  /** The bar of links that the server made becomes one of tabs; a wall without one may get it later. */
  takeBar() {
    const made = document.querySelector("#tabs");
    const bar = h("div", { class: "tabs", id: "tabs", role: "tablist", "aria-label": this.context.texts.say("tabs.label"), hidden: true });
    if (made) made.replaceWith(bar);
    else document.querySelectorAll("#votepanel").forEach((panel) => panel.before(bar));
    bar.addEventListener("click", (event) => {
      const tab = event.target instanceof Element && event.target.closest("[role=tab]");
      if (!(tab instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.choose(/** @type {Tab} */ (tab.dataset.tab));
    });
    bar.addEventListener("keydown", (event) => this.pressed(event));
    return bar;
  }

  listen() {
    const touch = (/** @type {Event} */ event) => {
      this.touchedAt = this.context.env.now();
      if (event.type === "pointerdown") this.isPressed = true;
      // Whoever writes a question, or reads on in a room, has chosen to be there.
      if (this.shown !== "vote" && event.target instanceof Element && event.target.closest(".panel")) this.chosen = true;
    };
    for (const type of ["pointerdown", "keydown", "input", "wheel"]) document.addEventListener(type, touch, { capture: true, passive: true });
    for (const type of ["pointerup", "pointercancel"]) {
      document.addEventListener(type, () => { this.isPressed = false; }, { capture: true, passive: true });
    }
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.tabs.indexOf(this.shown);
    const last = this.tabs.length - 1;
    /** @type {Record<string, number>} */
    const places = { ArrowLeft: at ? at - 1 : last, ArrowRight: at < last ? at + 1 : 0, Home: 0, End: last };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    this.choose(this.tabs[place]);
    const tab = document.getElementById(`tab-${this.tabs[place]}`);
    if (tab) tab.focus();
  }

  /**
   * The streams that the page follows besides the active item.
   * @returns {Stream[]}
   */
  streams() {
    const { live } = this.context;
    const wall = /** @type {Wall | undefined} */ (live.state(this.context.page.wallStream).values.wall);
    if (wall !== this.wall) this.refused = new Set();
    this.wall = wall;
    if (this.room && live.state(this.room).error) this.refused.add(this.room);
    this.room = roomOf(wall, (room) => this.refused.has(room));
    this.tabs = tabsOf(wall, this.room);
    return [this.tabs.includes("questions") ? `questions/${this.code}` : null, this.room].filter(isStream);
  }

  /** The reader chooses a tab. @param {Tab} tab */
  choose(tab) {
    this.chosen = true;
    const address = new URL(location.href);
    address.searchParams.set("tab", tab);
    address.searchParams.delete("ask");
    address.searchParams.delete("done");
    address.hash = "";
    history.replaceState(history.state, "", address.href);
    this.shown = tab;
    this.update();
  }

  /** Draws the tabs, and what is in the one that is shown. */
  update() {
    const { env, live } = this.context;
    if (!this.wall) {
      this.panels.show(this.shown);
      return;
    }
    const isTouched = this.isPressed || env.now() - this.touchedAt < TOUCH;
    this.shown = this.tabs.length
      ? nextTab({ tabs: this.tabs, shown: this.shown, chosen: this.chosen, isTouched, active: activeTab(this.wall) })
      : "vote";
    if (this.room && this.shown !== "talk") this.trim(this.room);
    this.mark(newestMarks(this.context.scene, live.state(`questions/${this.code}`), live.state(this.room)));
    this.draw();
    this.panels.show(this.shown);
  }

  /** @param {Stream} room */
  trim(room) {
    const { live } = this.context;
    const numbers = Object.keys(live.state(room).values).filter((key) => key.startsWith("message/")).map((key) => Number(key.slice(8)));
    if (numbers.length <= MOST_KEPT) return;
    const newest = Math.max(...numbers);
    live.trim(room, (key) => !key.startsWith("message/") || Number(key.slice(8)) > newest - MOST_KEPT / 2);
  }

  /** @param {Record<Tab, string | null>} marks */
  mark(marks) {
    for (const tab of this.tabs) {
      const mark = marks[tab];
      if (mark === null) continue;
      const seen = this.seen.get(tab);
      const looks = tab === this.shown && !this.context.env.hidden();
      if (mark && mark !== seen && (looks || (seen === null && tab !== "vote"))) this.seen.set(tab, mark);
      else if (!mark && seen && tab === "vote") this.seen.set(tab, ""); // shown again, it is new again
      else if (mark && !looks && tab !== this.shown && isNew(tab, mark, seen)) {
        if (!this.marked.has(tab)) this.announcer.announce(this.context.texts.say(`tabs.new.${tab}`));
        this.marked.add(tab);
        continue;
      }
      this.marked.delete(tab);
    }
  }

  draw() {
    const { texts } = this.context;
    this.bar.hidden = !this.tabs.length;
    document.body.classList.toggle("tabbed", this.tabs.length > 0);
    const wanted = this.tabs.join();
    if (this.bar.dataset.names !== wanted) {
      this.bar.dataset.names = wanted;
      const focused = document.activeElement;
      const hadFocus = focused && this.bar.contains(focused) ? focused.id : "";
      this.bar.replaceChildren(...this.tabs.map((tab) => h("a", {
        role: "tab", id: `tab-${tab}`, "data-tab": tab, href: `?tab=${tab}`, "aria-controls": `${tab}panel`,
      }, texts.say(`tabs.${tab}`), h("i", { "aria-hidden": true }), h("span", { class: "spoken" }))));
      const again = hadFocus && document.getElementById(hadFocus);
      if (again) again.focus();
    }
    for (const tab of this.bar.children) {
      if (!(tab instanceof HTMLElement)) continue;
      const name = /** @type {Tab} */ (tab.dataset.tab);
      const isShown = name === this.shown;
      setAttribute(tab, "aria-selected", isShown);
      tab.tabIndex = isShown ? 0 : -1;
      const isMarked = this.marked.has(name);
      tab.classList.toggle("new", isMarked);
      const words = tab.querySelector(".spoken");
      if (words) setText(words, isMarked ? ` – ${texts.say(`tabs.new.${name}`)}` : "");
    }
  }
}

/**
 * @param {Stream | null} stream
 * @returns {stream is Stream}
 */
function isStream(stream) {
  return stream !== null;
}
