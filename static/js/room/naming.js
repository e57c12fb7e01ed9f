// The name of the reader in a room: a friendly one, until they choose another.

import { find, setText } from "../ui/dom.js";

/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { RoomCalls } from "./calls.js" */

export class Naming {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts, calls: RoomCalls, errorText: (error: ApiError) => string,
   *   onNamed: (name: string) => void}} options
   */
  constructor(element, { texts, calls, errorText, onNamed }) {
    this.element = element;
    this.texts = texts;
    this.calls = calls;
    this.errorText = errorText;
    this.named = onNamed;
    this.name = find("summary span", element);
    this.status = find("#namestatus", element);
    /** @type {HTMLInputElement} */
    this.field = find("input[name=name]", element);
    find("form", element).addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.field.addEventListener("input", () => this.say("room.name_means"));
  }

  /** @param {string} key */
  say(key) {
    this.show(this.texts.say(key), false);
  }

  /**
   * @param {string} text
   * @param {boolean} isWrong
   */
  show(text, isWrong) {
    setText(this.status, text);
    this.status.classList.toggle("bad", isWrong);
    this.field.setAttribute("aria-invalid", String(isWrong));
  }

  async submit() {
    const { ok, error } = await this.calls.change("PUT", "/me", { name: this.field.value });
    if (error) {
      this.show(this.errorText(error), true);
      return;
    }
    this.named(ok.name);
    setText(this.name, this.texts.say("room.you_are", { name: ok.name }));
    this.show(this.texts.say("room.name_taken", { name: ok.name }), false);
    this.field.value = "";
    this.element.removeAttribute("open");
    find("#text").focus();
  }
}
