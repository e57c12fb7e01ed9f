// The time left, by the server's clock; when the poll is closed, that it is and, where it is known, since when.

import { clockFace } from "../net/clock.js";
import { setText } from "../ui/dom.js";
import { shortMoment } from "../ui/timestamps.js";

export class Countdown {
  constructor(element, { texts }) {
    this.element = element;
    this.texts = texts;
  }

  update(scene, clock) {
    const poll = scene.kind === "poll" ? scene.poll : null;
    this.element.hidden = !poll || (poll.phase === "open" && !poll.closes_at);
    if (this.element.hidden) return;
    this.element.dataset.phase = poll.phase;
    setText(this.element, poll.phase === "closed" ? this.closed(poll, clock) : clockFace(Date.parse(poll.closes_at) - clock.now()));
  }

  closed({ closed_at: at }, clock) {
    return at ? this.texts.say("poll.closed_at", { time: shortMoment(at, clock.now()) }) : this.texts.say("poll.closed");
  }
}
