// The state of the connection in a corner of the page; dims the page while it may be out of date.

import { find, setText } from "./dom.js";
import { formatDuration } from "./duration.js";

/** @import { DisplayState, LiveStreams } from "../net/streams.js" */
/** @import { Texts } from "./texts.js" */

export class Corner {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts}} tools
   */
  constructor(element, { texts }) {
    this.element = element;
    this.word = find(".word", element);
    this.texts = texts;
  }

  /** @param {LiveStreams} live */
  update(live) {
    const state = live.displayState;
    this.element.dataset.state = state;
    this.element.dataset.transport = live.connection.transport;
    document.body.classList.toggle("stale", state === "lost" || state === "refused");
    setText(this.word, this.textOf(live, state));
  }

  /**
   * @param {LiveStreams} live
   * @param {DisplayState} state
   */
  textOf(live, state) {
    if (state === "lost") return this.texts.say("live.lost", { age: formatDuration(live.age) });
    return this.texts.say(`live.${state}`);
  }
}
