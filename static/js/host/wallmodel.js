// The wall and its items as the page shows them: from the streams it follows, else as they were last read.

import { watched } from "./order.js";

const MOST = 15; // beside the wall's own stream: as many as a connection may have

export class Agenda {
  constructor(page, live) {
    this.live = live;
    this.stream = page.wallStream;
    this.first = page.wall;
    this.known = new Map(Object.entries(page.items));
    this.refused = new Set();
  }

  get wall() {
    const { values, ready } = this.live.state(this.stream);
    if (ready && values.wall) this.first = values.wall;
    return this.first;
  }

  /** Whether the wall was removed. */
  get gone() {
    const { values, ready, error } = this.live.state(this.stream);
    return Boolean(error) || (ready && !values.wall);
  }

  /** {item, title, poll, tally, turnout, state} of an item. */
  entry(item) {
    const held = this.known.get(item) || { item, title: "" };
    const { values, ready } = this.live.state(item);
    if (!ready || !this.live.streams.includes(item)) return held;
    const { poll, tally = null, task } = values;
    if (poll) this.known.set(item, { ...held, title: poll.title, poll, tally });
    else if (task) this.known.set(item, { ...held, title: task.title, state: task.state });
    return this.known.get(item) || held;
  }

  /** The poll or wall of a name, as it is shown. */
  shown(name) {
    return name === this.stream ? this.wall : this.entry(name).poll || {};
  }

  /** What was read of an item that is not followed. */
  learn(item, poll) {
    const { tally = null } = poll;
    this.known.set(item, { ...this.known.get(item), item, title: poll.title, poll, tally });
  }

  /** Follows the items that matter now. One that was refused is left alone until the wall says something new. */
  follow() {
    const { wall } = this;
    if (wall !== this.followed) this.refused.clear();
    this.followed = wall;
    for (const stream of this.live.streams) if (stream !== this.stream && this.live.state(stream).error) this.refused.add(stream);
    const phaseOf = (item) => (this.entry(item).poll || {}).phase;
    const chosen = watched(wall, phaseOf, MOST).filter((item) => !this.refused.has(item));
    const streams = [this.stream, ...chosen];
    if (streams.join() !== this.live.streams.join()) this.live.follow(streams);
  }

  /** Polls of which nothing is known yet, and that no stream brings. */
  get unknown() {
    return this.distant.filter((item) => !this.known.has(item));
  }

  /** Polls that are not followed: what is shown of them may be old. */
  get distant() {
    return this.wall.items.filter((item) => item.startsWith("polls/") && !this.live.streams.includes(item));
  }
}
