// The keys of a screen, and their list under "?".

import { h } from "../ui/dom.js";

export class Keys {
  /** `acts` is [[key, name of its text, what it does], …]; keys are written small. */
  constructor({ texts, document }, acts) {
    this.texts = texts;
    this.document = document;
    this.acts = [...acts, ["?", "keys.help", () => this.toggle()]];
    document.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const found = this.acts.find(([key]) => key === event.key.toLowerCase());
    if (found) {
      event.preventDefault();
      found[2]();
    } else if (event.key === "Escape" && this.list) this.toggle();
  }

  toggle() {
    if (this.list) {
      this.list.remove();
      this.list = null;
      return;
    }
    const rows = this.acts.flatMap(([key, name]) => [h("dt", {}, h("kbd", {}, key.toUpperCase())), h("dd", {}, this.texts.say(name))]);
    this.list = h("div", { class: "keys", role: "dialog", "aria-label": this.texts.say("keys.title"), tabindex: "-1" },
      h("h2", {}, this.texts.say("keys.title")), h("dl", {}, rows));
    this.document.body.append(this.list);
    this.list.focus();
  }
}

/** In and out of full screen, where the browser allows it. */
export function fullScreen(document) {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (document.documentElement.requestFullscreen) document.documentElement.requestFullscreen().catch(() => {});
}
