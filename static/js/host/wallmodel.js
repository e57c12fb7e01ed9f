// The wall and its items as the page shows them: from the streams it follows, else as they were last read.

import { followedItems } from "./order.js";

/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Poll, Stream, Tally, Turnout, Wall } from "../net/wire.d.ts" */

/** A connection carries sixteen streams; one of them is the wall's own. */
const MAX_FOLLOWED = 15;

/**
 * What the page knows about an item.
 * @typedef {object} Item
 * @property {Stream} item
 * @property {string} title
 * @property {Poll} [poll]
 * @property {Tally | null} [tally]
 * @property {Turnout} [turnout]
 * @property {string} [state] of a task
 * @property {number | null} [count] of the messages of a room
 */

/**
 * The data that the server put into the page.
 * @typedef {{wallStream: Stream, wall: Wall, version: number, items: Record<Stream, Item & {version?: number}>,
 *   asksTitle?: string}} HostPage `asksTitle` is what the questions of the audience are called among the items
 */

export class WallModel {
  /**
   * @param {HostPage} page
   * @param {LiveStreams} live
   */
  constructor(page, live) {
    this.live = live;
    this.stream = page.wallStream;
    this.asksTitle = page.asksTitle || "";
    this.lastWall = page.wall;
    /** @type {Map<Stream, Item>} */
    this.items = new Map(Object.entries(page.items));
    /** @type {Set<Stream>} items that were refused, until the wall says something new */
    this.refused = new Set();
    /** @type {Wall | null} */
    this.followedWall = null;
  }

  /** @returns {Wall} */
  get wall() {
    const { values, ready } = this.live.state(this.stream);
    if (ready && values.wall) this.lastWall = values.wall;
    return this.lastWall;
  }

  /** Whether the wall was removed. */
  get isGone() {
    const { values, ready, error } = this.live.state(this.stream);
    return Boolean(error) || (ready && !values.wall);
  }

  /**
   * @param {Stream} item
   * @returns {Item}
   */
  item(item) {
    if (item.startsWith("questions/")) return { item, title: this.asksTitle };
    const known = this.items.get(item) || { item, title: "" };
    const { values, ready } = this.live.state(item);
    if (!ready || !this.live.streams.includes(item)) return known;
    const { poll, tally = null, task } = values;
    /** @type {Item} */
    const current = poll ? { ...known, title: poll.title, poll, tally } : task ? { ...known, title: task.title, state: task.state } : known;
    if (poll || task) this.items.set(item, current);
    return current;
  }

  /** The item that is on the screen, or null. */
  get active() {
    const { active } = this.wall;
    return active ? this.item(active) : null;
  }

  /**
   * Returns a poll as it is shown. Empty fields stand for what is unknown.
   * @param {Stream} item
   */
  poll(item) {
    return this.item(item).poll || /** @type {Poll} */ ({});
  }

  /**
   * Returns the poll or wall of a name, as it is shown.
   * @param {string} name
   */
  shown(name) {
    return name === this.stream ? this.wall : this.poll(name);
  }

  /**
   * Takes what was read of an item that is not followed.
   * @param {Stream} item
   * @param {any} poll or a room
   */
  update(item, poll) {
    if (item.startsWith("rooms/")) {
      this.items.set(item, { item, title: poll.title, count: poll.messages });
      return;
    }
    const { tally = null } = poll;
    this.items.set(item, { ...this.items.get(item), item, title: poll.title, poll, tally });
  }

  /** Follows the items that matter now, without those that were refused. */
  follow() {
    const { wall } = this;
    if (wall !== this.followedWall) this.refused.clear();
    this.followedWall = wall;
    for (const stream of this.live.streams) if (stream !== this.stream && this.live.state(stream).error) this.refused.add(stream);
    // A room is read from time to time: who follows it is there. The questions are followed wherever they stand.
    const asks = wall.questions ? [`questions/${wall.code}`] : [];
    const own = { ...wall, items: wall.items.filter((item) => !/^(?:rooms|questions)\//.test(item)) };
    const items = [...asks, ...followedItems(own, (item) => this.poll(item).phase, MAX_FOLLOWED - asks.length)];
    const streams = [this.stream, ...items.filter((item) => !this.refused.has(item))];
    if (streams.join() !== this.live.streams.join()) this.live.follow(streams);
  }

  /** The rooms of the wall. */
  get rooms() {
    return this.wall.items.filter((item) => item.startsWith("rooms/"));
  }

  /** Polls and rooms about which nothing is known yet, and which no stream brings. */
  get unknown() {
    return [...this.notFollowed, ...this.rooms].filter((item) => !this.items.has(item));
  }

  /** Polls that are not followed: what is shown of them may be old. */
  get notFollowed() {
    return this.wall.items.filter((item) => item.startsWith("polls/") && !this.live.streams.includes(item));
  }
}
