// The state of the connection, in words, in the corner; and the dimming of what may be out of date.

import { clockFace } from "../net/clock.js";
import { setText } from "./dom.js";

export class Corner {
  constructor(element, { texts }) {
    this.element = element;
    this.word = element.querySelector(".word");
    this.texts = texts;
  }

  update(live) {
    const state = live.corner;
    this.element.dataset.state = state;
    this.element.dataset.transport = live.connection.transport;
    document.body.classList.toggle("stale", state === "lost" || state === "refused");
    setText(this.word, this.words(live, state));
  }

  words(live, state) {
    if (state === "lost") return this.texts.say("live.lost", { age: clockFace(live.age) });
    return this.texts.say(`live.${state}`);
  }
}
