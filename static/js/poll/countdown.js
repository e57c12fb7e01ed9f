// The time left until a poll closes, by the server's clock; for a closed poll, that it is closed and since when.

import { setText } from "../ui/dom.js";
import { formatDuration } from "../ui/duration.js";
import { formatShortTimestamp } from "../ui/timestamps.js";

/** @import { Clock } from "../net/clock.js" */
/** @import { Poll } from "../net/wire.d.ts" */
/** @import { Texts } from "../ui/texts.js" */

export class Countdown {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts}} tools
   */
  constructor(element, { texts }) {
    this.element = element;
    this.texts = texts;
  }

  /**
   * @param {{kind: string, poll?: Poll | null}} scene
   * @param {Clock} clock
   */
  update(scene, clock) {
    const poll = scene.kind === "poll" ? scene.poll : null;
    this.element.hidden = !poll || (poll.phase === "open" && !poll.closes_at);
    if (!poll || this.element.hidden) return;
    this.element.dataset.phase = poll.phase;
    const left = Date.parse(poll.closes_at || "") - clock.now();
    setText(this.element, poll.phase === "closed" ? this.closedText(poll, clock) : formatDuration(left));
  }

  /**
   * @param {Poll} poll
   * @param {Clock} clock
   */
  closedText({ closed_at: at }, clock) {
    return at ? this.texts.say("poll.closed_at", { time: formatShortTimestamp(at, clock.now()) }) : this.texts.say("poll.closed");
  }
}
