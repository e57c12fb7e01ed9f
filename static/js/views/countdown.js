// The time left, by the server's clock; when the poll is closed, that it is and, where it is known, since when.

import { clockFace } from "../clock.js";
import { setText } from "../dom.js";

export class Countdown {
  constructor(element, { texts, page }) {
    this.element = element;
    this.texts = texts;
    this.times = new Intl.DateTimeFormat(page.lang || undefined, { hour: "numeric", minute: "2-digit" });
    this.watched = null; // the poll and round that was seen open
    this.closedAt = null;
  }

  update(scene, clock) {
    const poll = scene.kind === "poll" ? scene.poll : null;
    this.element.hidden = !poll || (poll.phase === "open" && !poll.closes_at);
    if (!poll) return;
    this.watch(poll, clock);
    if (this.element.hidden) return;
    this.element.dataset.phase = poll.phase;
    setText(this.element, poll.phase === "closed" ? this.closed() : clockFace(Date.parse(poll.closes_at) - clock.now()));
  }

  /** A deadline that has passed is when it closed; else it is when this page saw it close. */
  watch(poll, clock) {
    const name = `${poll.id} ${poll.round}`;
    if (poll.phase === "open") {
      this.watched = name;
      this.closedAt = null;
    } else if (poll.closes_at && Date.parse(poll.closes_at) <= clock.now()) {
      this.closedAt = Date.parse(poll.closes_at);
    } else if (this.watched === name) {
      this.closedAt = clock.now();
      this.watched = null;
    } else if (this.name !== name) {
      this.closedAt = null;
    }
    this.name = name;
  }

  closed() {
    if (this.closedAt === null) return this.texts.say("poll.closed");
    return this.texts.say("poll.closed_at", { time: this.times.format(this.closedAt) });
  }
}
