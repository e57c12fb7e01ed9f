// The time left, by the server's clock; when the poll is closed, that it is and, where it is known, since when.

import { clockFace } from "../clock.js";
import { setText } from "../dom.js";

export class Countdown {
  constructor(element, { texts, page }) {
    this.element = element;
    this.texts = texts;
    this.times = new Intl.DateTimeFormat(page.lang || undefined, { hour: "numeric", minute: "2-digit" });
  }

  update(scene, clock) {
    const poll = scene.kind === "poll" ? scene.poll : null;
    this.element.hidden = !poll || (poll.phase === "open" && !poll.closes_at);
    if (this.element.hidden) return;
    this.element.dataset.phase = poll.phase;
    setText(this.element, poll.phase === "closed" ? this.closed(poll) : clockFace(Date.parse(poll.closes_at) - clock.now()));
  }

  closed({ closed_at: at }) {
    return at ? this.texts.say("poll.closed_at", { time: this.times.format(Date.parse(at)) }) : this.texts.say("poll.closed");
  }
}
