// What most live pages do: read the data in the page, connect, follow the wall's active item, draw on every change and
// tick once a second.

import { browserEnvironment, reconnectOnWake } from "../net/environment.js";
import { EMPTY } from "../net/state.js";
import { LiveStreams } from "../net/streams.js";
import { adoptKinds } from "../poll/kinds/index.js";
import { revealDelay, withoutTally } from "../poll/reveal.js";
import { dataBlock } from "../ui/dom.js";
import { Texts } from "../ui/texts.js";
import { localizeTimestamps } from "../ui/timestamps.js";
import { neededStreams, pageScene } from "./scene.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { ApiError, Stream, Wall } from "../net/wire.d.ts" */
/** @import { FormatNumber } from "../ui/texts.js" */
/** @import { Scene } from "./scene.js" */

/** A refused item stays on the page for so long: the wall may be about to leave it. */
const REFUSAL_GRACE = 800;
/** A page that would be refused again reloads no more often than this. */
const RELOAD_INTERVAL = 5_000;

/**
 * What the modules of a page share.
 * @typedef {object} Context
 * @property {any} page the data that the server put into the page
 * @property {Environment} env
 * @property {Texts} texts
 * @property {FormatNumber} number
 * @property {LiveStreams} live
 * @property {Scene} scene
 * @property {() => void} redraw
 * @property {(stream: Stream) => void} retry follows a stream again that was refused
 */

/**
 * @param {{audience?: boolean, gates?: boolean, beside?: (context: Context) => Stream[], draw: (context: Context) => void, tick: (context: Context) => void}} options
 *   `audience` shows what the audience sees, whoever is signed in; `gates` follows the polls that decide gates, too;
 *   `beside` returns what the page follows besides the active item of its wall
 * @returns {Context}
 */
export function startLivePage({ audience = false, gates = false, beside = () => [], draw, tick }) {
  const page = new LivePage(audience, gates, beside, draw);
  document.documentElement.classList.add("scripted");
  localizeTimestamps();
  page.live.start();
  reconnectOnWake(page.live.connection);
  tick(page);
  window.setInterval(() => tick(page), 1000);
  return page;
}

/** @implements {Context} */
class LivePage {
  /**
   * @param {boolean} audience
   * @param {boolean} gates
   * @param {(context: Context) => Stream[]} beside
   * @param {(context: Context) => void} draw
   */
  constructor(audience, gates, beside, draw) {
    this.page = dataBlock("page");
    adoptKinds(this.page.kinds);
    this.env = browserEnvironment();
    this.texts = new Texts(dataBlock("texts"));
    this.audience = audience;
    this.gates = gates;
    this.beside = beside;
    this.draw = draw;
    const numbers = new Intl.NumberFormat(this.page.lang || undefined);
    /** @type {FormatNumber} */
    this.number = (value) => numbers.format(value);
    /** @type {Scene} */
    this.scene = { kind: "waiting" };
    /** @type {string[]} */
    this.order = this.page.steps || [];
    /** @type {Wall | undefined} */
    this.wall = undefined;
    /** @type {Stream | null} the item that was refused, until the wall says something new */
    this.refused = null;
    /** @type {ApiError | null} why */
    this.refusal = null;
    /** @type {number | null} */
    this.graceTimer = null;
    this.graceOver = false;
    /** @type {number | null} */
    this.revealTimer = null;
    /** @type {number | null} */
    this.reloadTimer = null;
    this.redraw = () => this.update();
    const streams = [this.page.wallStream || this.page.stream];
    this.live = new LiveStreams({ streams, audience, env: this.env, onChange: this.redraw });
  }

  update() {
    const { page, live } = this;
    // What is refused is not followed, and still has to be known as refused.
    const stateOf = (/** @type {Stream} */ stream) =>
      this.refusal && stream === this.refused && !live.streams.includes(stream) ? { ...EMPTY, error: this.refusal } : live.state(stream);
    const items = this.withoutRefused(neededStreams(page, stateOf, this.gates));
    const streams = [...items, ...this.beside(this)];
    if (streams.join() !== live.streams.join()) {
      if (page.wallStream && items[1] !== live.streams[1]) this.fetchOrder(items[1]);
      live.follow(streams);
    }
    /** @type {Scene} */
    const next = live.refusal ? { kind: "gone", code: live.refusal } : pageScene(page, stateOf, this.order);
    if (this.mayReplace(next)) this.scene = this.untilReveal(next);
    this.draw(this);
    this.setTitle();
    this.reloadWhenSignedOut();
  }

  /** @param {Stream} stream */
  retry(stream) {
    this.refused = null;
    this.live.forget(stream);
  }

  /**
   * Whether the next scene takes the place of the one shown. A scene that is on its way does not; nor, for a moment,
   * does an item that is gone, because the event by which the wall leaves it may arrive later.
   * @param {Scene} next
   */
  mayReplace(next) {
    const shown = this.scene.kind;
    if (next.kind === "waiting") return shown === "waiting";
    if (next.kind !== "gone" || !next.wall || shown === "gone") {
      this.env.clearTimeout(this.graceTimer);
      this.graceTimer = null;
      this.graceOver = false;
      return true;
    }
    if (this.graceOver) return true;
    if (!this.graceTimer) {
      this.graceTimer = this.env.setTimeout(() => {
        this.graceOver = true;
        this.redraw();
      }, REFUSAL_GRACE);
    }
    return false;
  }

  /**
   * Holds a new result back until the moment at which all pages show it.
   * @param {Scene} next
   */
  untilReveal(next) {
    this.env.clearTimeout(this.revealTimer);
    const wait = revealDelay(next, this.scene, this.live.clock.now());
    if (!wait) return next;
    this.revealTimer = this.env.setTimeout(this.redraw, wait);
    return withoutTally(next);
  }

  /** Sets the title of the tab to that of the item or wall. */
  setTitle() {
    const { scene } = this;
    const item = scene.kind === "task" ? scene.task : "poll" in scene ? scene.poll : null;
    const { title = "" } = item || scene.wall || {};
    if (title) document.title = this.audience ? this.texts.say("screen.title", { title }) : title;
  }

  /** Reloads the page when the sign-in has ended: the server then makes it for a visitor. */
  reloadWhenSignedOut() {
    if (this.live.refusal !== "unauthenticated" || this.reloadTimer) return;
    this.reloadTimer = this.env.setTimeout(() => location.reload(), Math.max(0, RELOAD_INTERVAL - this.env.now()));
  }

  /**
   * Leaves out an item that was refused, until the wall says something new: asking again at once would be refused again.
   * @param {Stream[]} streams
   */
  withoutRefused(streams) {
    const [first, item] = streams;
    const { wall } = this.live.state(first).values;
    if (wall !== this.wall) this.refused = null;
    this.wall = wall;
    const { error } = this.live.state(item);
    if (item && error) {
      this.refused = item;
      this.refusal = error;
    }
    return this.refused && this.refused === item ? streams.filter((stream) => stream !== item) : streams;
  }

  /**
   * Fetches the order of a task's steps. Events name them in the order in which they changed.
   * @param {Stream} stream
   */
  async fetchOrder(stream) {
    if (!stream || !/^tasks\/[^/]+$/.test(stream)) return;
    try {
      const response = await this.env.fetch(`/api/${stream}`, { headers: { Accept: "application/json" } });
      if (!response.ok) return;
      this.order = (await response.json()).steps.map((/** @type {{name: string}} */ step) => step.name);
      this.redraw();
    } catch {
      // Without it the steps stand in the order that follows from their needs.
    }
  }
}
