// Search in the messages of a room. What was found stands above the messages; a click shows it among them.

import { find, h, setText } from "../ui/dom.js";
import { formatShortTimestamp } from "../ui/timestamps.js";
import { excerpt } from "./groups.js";

/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { RoomCalls } from "./calls.js" */

/** As many as a call returns. */
const MOST = 100;

export class RoomSearch {
  /**
   * @param {{texts: Texts, number: FormatNumber, calls: RoomCalls, onJump: (number: number) => void}} options
   */
  constructor({ texts, number, calls, onJump }) {
    this.texts = texts;
    this.number = number;
    this.calls = calls;
    this.jump = onJump;
    this.form = find("#search");
    /** @type {HTMLInputElement} */
    this.field = find("#q");
    this.panel = find("#found");
    this.head = find("b", this.panel);
    this.list = find("ul", this.panel);
    this.asked = "";
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.search();
    });
    this.field.addEventListener("input", () => this.field.value || this.end());
    this.form.addEventListener("keydown", (event) => event.key === "Escape" && this.end());
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.end());
    find("button", this.panel).addEventListener("click", () => this.end());
  }

  async search() {
    const text = this.field.value.trim();
    this.asked = text;
    if (!text) {
      this.end();
      return;
    }
    const found = await this.calls.search(text);
    if (this.asked !== text) return; // something else was asked for meanwhile
    this.panel.hidden = false;
    this.list.textContent = "";
    setText(this.head, this.headOf(found));
    for (const message of (found || []).reverse()) {
      this.list.append(h("li", {}, h("button", { type: "button", onclick: () => this.jump(message.n) },
        h("b", { dir: "auto" }, message.name), " ",
        h("time", { datetime: message.at }, formatShortTimestamp(message.at, Date.now())),
        h("span", { class: "text", dir: "auto" }, excerpt(message.text || "")))));
    }
  }

  /** @param {unknown[] | null} found */
  headOf(found) {
    if (!found) return this.texts.say("room.not_searched");
    if (!found.length) return this.texts.say("room.found_none");
    const count = { n: this.number(found.length) };
    return found.length < MOST ? this.texts.say("room.found", count, found.length) : this.texts.say("room.found_many", count);
  }

  end() {
    const hadFocus = this.panel.contains(document.activeElement);
    this.asked = "";
    this.field.value = "";
    this.panel.hidden = true;
    if (hadFocus) this.field.focus();
  }
}
