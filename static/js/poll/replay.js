// The replay of a round: the tally as it moved, played, paused and searched. The page holds what is played; the stream
// says when it may no longer be shown, and when there is more of it.

import { find, h, setText, svg } from "../ui/dom.js";
import { formatDuration } from "../ui/duration.js";
import { addPngButtons } from "../ui/pngbutton.js";
import { formatTimestamp } from "../ui/timestamps.js";
import { Player, SPEEDS, interpolate, positionOf } from "./player.js";
import { TallyBars } from "./tallybars.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Poll } from "../net/wire.d.ts" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { Scene } from "../wall/scene.js" */

/** The page fetches news of the round no more often than this. */
const FETCH_INTERVAL = 3_000;
/** A reader who asked for reduced motion sees one picture per this many milliseconds. */
const REDUCED_MOTION_INTERVAL = 1_000;

/**
 * @typedef {object} ReplayData
 * @property {[at: number, ballots: number, ...counts: number[]][]} items the counts are in the order of the options
 * @property {Poll["options"]} options
 * @property {number} round
 * @property {boolean} over whether the round has ended
 * @property {boolean} current whether it is the newest round of the poll
 */

/** @typedef {{replay: ReplayData | null}} ReplayPage */

export class Replay {
  /** @param {{texts: Texts, number: FormatNumber, env: Environment, page: ReplayPage}} context */
  constructor({ texts, number, env, page }) {
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.page = page;
    this.reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
    /** @type {number | null} */
    this.fetchTimer = null;
    /** @type {Player | null} */
    this.player = null;
    /** @type {ReturnType<Replay["build"]> | null} null while the result is hidden */
    this.view = null;
    this.open();
  }

  /** Begins with the data that the page holds now. */
  open() {
    const { replay } = this.page;
    this.view = null;
    if (!replay) return;
    const times = replay.items.map(([at]) => at);
    // While it loads, the player must not draw into a view that is not built yet.
    if (this.player) this.player.load(times);
    else this.player = new Player(times, () => this.draw());
    this.view = this.build(replay, this.player);
    addPngButtons(this.texts);
    this.draw();
  }

  get isShown() {
    return this.view !== null;
  }

  /**
   * @param {ReplayData} replay
   * @param {Player} player
   */
  build(replay, player) {
    const say = (/** @type {string} */ key) => this.texts.say(key);
    const options = SPEEDS.map((speed) => h("option", { value: speed, selected: speed === player.speed }, `${speed} ×`));
    const button = h("button", { type: "button", class: "primary play", onclick: () => this.toggle() });
    const range = h("input", { type: "range", min: 0, step: "any", "aria-label": say("replay.time"), oninput: () => player.seek(Number(range.value)) });
    range.addEventListener("keydown", (event) => this.step(event));
    const speed = h("select", { "aria-label": say("replay.speed"), onchange: () => { player.speed = Number(speed.value); } }, options);
    const clock = h("p", { class: "clock" });
    const idle = h("p", { class: "idle" });
    find("#controls").replaceChildren(button, range, speed, h("div", { class: "status" }, clock, idle));
    return { replay, player, button, range, speed, clock, idle, bars: new TallyBars(find("#bars"), this), ...this.markRace(player) };
  }

  /**
   * Moves from event to event, or by a tenth. The steps of the range are so small that its own keys would move nothing
   * that can be seen.
   * @param {KeyboardEvent} event
   */
  step(event) {
    const { player } = this;
    if (!player) return;
    const { line, position, state } = player;
    const near = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const far = { PageUp: 1, PageDown: -1 }[event.key];
    if (!near && !far) return;
    event.preventDefault();
    if (far) player.seek(position + (far * line.total) / 10);
    else if (near === 1) player.seek(line.played[Math.min(state.index + 1, line.played.length - 1)]);
    else player.seek(line.played[position > line.played[state.index] ? state.index : Math.max(0, state.index - 1)]);
  }

  /**
   * Marks the position on the drawing of the whole round, and lets a tap on the drawing move there.
   * @param {Player} player
   */
  markRace(player) {
    const race = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (find(".race svg")));
    /** @type {[number, number][]} */
    const knots = JSON.parse(race.dataset.knots || "[]");
    const [top, bottom] = [Number(race.dataset.top), Number(race.dataset.bottom)];
    const right = knots[knots.length - 1][1];
    const veil = svg("rect", { class: "veil", y: top - 4, height: bottom - top + 8 });
    const cursor = svg("path", { class: "now", d: `M0 ${top}V${bottom}` });
    race.append(veil, cursor);
    race.addEventListener("click", (event) => {
      const matrix = race.getScreenCTM();
      if (!matrix) return;
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
      if (point.x <= right + 20) player.seek(positionOf(player.line, interpolate(knots, point.x, 1, 0)));
    });
    return { knots, right, veil, cursor };
  }

  toggle() {
    if (!this.player) return;
    if (this.player.playing) this.player.pause();
    else this.play(this.player);
  }

  /** @param {Player} player */
  play(player) {
    let drawnAt = -Infinity;
    player.play(this.env.now());
    const frame = () => {
      const now = this.env.now();
      if (!this.reducedMotion.matches || now - drawnAt >= REDUCED_MOTION_INTERVAL) {
        drawnAt = now;
        player.tick(now);
      }
      if (player.playing) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  draw() {
    if (!this.view) return;
    const { replay, player, bars, button, range, clock, idle, knots, right, veil, cursor } = this.view;
    const { state, line, position } = player;
    const [, ballots, ...counts] = replay.items[state.index];
    const tally = { round: replay.round, ballots, counts: Object.fromEntries(replay.options.map((option, n) => [option.id, counts[n]])) };
    const phase = position >= line.total && replay.over ? "closed" : "open";
    bars.update(/** @type {Poll} */ (/** @type {unknown} */ ({ ...replay, phase })), tally);
    setText(button, this.texts.say(player.playing ? "replay.pause" : "replay.play"));
    range.max = String(line.total);
    range.value = String(position);
    const cast = this.texts.say("poll.ballots", { n: this.number(ballots) }, ballots);
    const time = formatTimestamp(state.at);
    range.setAttribute("aria-valuetext", `${time}, ${cast}`);
    setText(clock, `${time} · ${cast}`);
    setText(idle, state.idle ? this.texts.say("replay.idle", { time: formatDuration(state.idle) }) : "");
    const x = interpolate(knots, state.at);
    cursor.setAttribute("transform", `translate(${x} 0)`);
    veil.setAttribute("x", String(x));
    veil.setAttribute("width", String(Math.max(0, right - x)));
  }

  /**
   * Takes what the stream says now: the result is hidden, is shown again, or has moved on.
   * @param {Scene} scene
   */
  update(scene) {
    if (scene.kind === "waiting") return;
    if (scene.kind !== "poll" || !scene.tally) {
      if (this.isShown) this.hide();
      return;
    }
    const isStale = !this.isShown || this.hasMoved(scene);
    if (!isStale || this.fetchTimer) return;
    this.fetchTimer = this.env.setTimeout(() => this.fetch(), this.isShown ? FETCH_INTERVAL : 0);
  }

  /**
   * Whether the stream has a newer state of the round than the page.
   * @param {Extract<Scene, {kind: "poll"}>} scene
   */
  hasMoved({ poll, tally }) {
    const { replay } = this.page;
    const known = replay && replay.items[replay.items.length - 1];
    if (!known || !tally) return true;
    if (!replay.current) return false;
    return tally.round !== replay.round || tally.ballots !== known[1] || (poll.phase === "closed") !== replay.over
      || replay.options.some((option, n) => tally.counts[option.id] !== known[n + 2]);
  }

  hide() {
    this.view = null;
    this.page.replay = null;
    if (this.player && this.player.playing) this.player.pause();
    const section = h("section", { class: "hidden-now", tabindex: "-1" }, h("p", { class: "wrong", role: "status" }, this.texts.say("replay.hidden")));
    find("#shown").replaceChildren(section);
  }

  /** Loads the page again: the server decides what of it may be shown. */
  async fetch() {
    try {
      const response = await this.env.fetch(location.href, { headers: { Accept: "text/html" } });
      const fetched = new DOMParser().parseFromString(await response.text(), "text/html");
      const data = fetched.getElementById("page");
      const page = data ? JSON.parse(data.textContent || "null") : null;
      if (response.ok && page && page.replay) this.replace(fetched, page);
      else if (this.isShown) this.hide();
    } catch {
      // The next event of the stream tries again.
    }
    this.fetchTimer = null;
  }

  /**
   * Takes the newer page over; the focus and the speed stay as they are.
   * @param {Document} fetched
   * @param {ReplayPage} page
   */
  replace(fetched, page) {
    const shown = find("#shown");
    const controls = () => (this.view ? [this.view.button, this.view.range, this.view.speed] : []);
    const focused = controls().findIndex((control) => control === document.activeElement);
    const speed = this.player && this.player.speed;
    shown.replaceChildren(...document.importNode(find("#shown", fetched), true).childNodes);
    this.page.replay = page.replay;
    this.open();
    if (!this.view || !this.player) return;
    if (speed) this.player.speed = speed;
    this.view.speed.value = String(this.player.speed);
    if (focused >= 0) controls()[focused].focus();
  }
}
