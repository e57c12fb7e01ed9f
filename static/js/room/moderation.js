// What hosts do with a room: mute people, close it, set how often somebody may speak. Each can be undone for a while.

import { find, h, setText } from "../ui/dom.js";

/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Notice } from "../ui/notice.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { RoomCalls } from "./calls.js" */
/** @import { Message } from "./messages.js" */

/** @typedef {{title: string, write: string, slow: number, closed: boolean}} Room */

export class Moderation {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, calls: RoomCalls, notice: Notice, muted: Record<string, string>,
   *   errorText: (error: ApiError) => string, onChange: () => void}} options `muted` has the names of those who are muted,
   *   by their ids
   */
  constructor(element, { texts, calls, notice, muted, errorText, onChange }) {
    this.element = element;
    this.texts = texts;
    this.calls = calls;
    this.notice = notice;
    this.muted = muted;
    this.errorText = errorText;
    this.changed = onChange;
    /** @type {Room | null} */
    this.room = null;
    /** @type {HTMLFormElement} */
    const slow = find("#slow", element);
    this.field = find("input[name=slow]", slow);
    this.closing = find("#closing button", element);
    this.list = find("#muted", element);
    slow.addEventListener("submit", (event) => {
      event.preventDefault();
      this.setSlow(/** @type {HTMLInputElement} */ (this.field).value.trim());
    });
    find("#closing", element).addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.room) this.setClosed(!this.room.closed);
    });
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      element.removeAttribute("open");
      find("summary", element).focus();
    });
    document.addEventListener("click", (event) => {
      const isOutside = event.target instanceof Node && event.target.isConnected && !element.contains(event.target);
      if (isOutside) element.removeAttribute("open");
    });
    this.drawMuted();
  }

  /** @param {Room} room */
  update(room) {
    const isNew = !this.room || this.room.slow !== room.slow;
    this.room = room;
    const field = /** @type {HTMLInputElement} */ (this.field);
    if (isNew && document.activeElement !== field) field.value = String(room.slow);
    setText(this.closing, this.texts.say(room.closed ? "room.open" : "room.close"));
  }

  /** @param {string} person */
  isMuted(person) {
    return this.muted[person] !== undefined;
  }

  /** @param {Message} message */
  toggleMute({ from = "", name = "" }) {
    return this.mute(from, name, !this.isMuted(from));
  }

  /**
   * @param {string} person
   * @param {string} name
   * @param {boolean} muted
   * @param {boolean} mayUndo
   */
  async mute(person, name, muted, mayUndo = true) {
    const { error } = await this.calls.change("PUT", `/people/${person}`, { muted });
    if (error) return this.refused(error);
    if (muted) this.muted[person] = name;
    else delete this.muted[person];
    this.drawMuted();
    this.changed();
    const undo = mayUndo ? () => void this.mute(person, name, !muted, false) : null;
    return this.notice.show(this.texts.say(muted ? "room.is_muted" : "room.is_unmuted", { name }), { undo });
  }

  /**
   * @param {object} fields
   * @param {string} done
   * @param {(() => void) | null} undo
   */
  async change(fields, done, undo) {
    const { error } = await this.calls.change("PUT", "", fields);
    if (error) this.refused(error);
    else this.notice.show(done, { undo });
  }

  /** @param {boolean} closed */
  setClosed(closed, mayUndo = true) {
    const undo = mayUndo ? () => void this.setClosed(!closed, false) : null;
    return this.change({ closed }, this.texts.say(closed ? "room.is_closed" : "room.is_open"), undo);
  }

  /** @param {string} typed */
  setSlow(typed, mayUndo = true) {
    if (!/^\d{1,4}$/.test(typed) || Number(typed) > 3600) {
      this.notice.show(this.texts.say("room.slow_wrong"), { wrong: true });
      return undefined;
    }
    const before = this.room ? String(this.room.slow) : "0";
    const undo = mayUndo && before !== typed ? () => void this.setSlow(before, false) : null;
    const slow = Number(typed);
    return this.change({ slow }, slow ? this.texts.say("room.is_slow", { n: slow }) : this.texts.say("room.is_fast"), undo);
  }

  /** @param {ApiError} error */
  refused(error) {
    this.notice.show(this.errorText(error), { wrong: true });
  }

  drawMuted() {
    const people = Object.entries(this.muted);
    const head = this.list.previousElementSibling;
    if (head instanceof HTMLElement) head.hidden = !people.length;
    this.list.textContent = "";
    this.list.append(...people.map(([person, name]) => h("li", {},
      h("span", { dir: "auto" }, name || person),
      h("button", { type: "button", class: "second", onclick: () => this.mute(person, name, false) }, this.texts.say("room.unmute")))));
  }
}
