// A replay: the tally of a round as it moved. What is played is in the page; the stream says when it may no longer be
// shown, and when there is more of it.

import { clockFace } from "../net/clock.js";
import { dataBlock, h, setText, svg } from "../ui/dom.js";
import { moment } from "../ui/timestamps.js";
import { start } from "../wall/livepage.js";
import { SPEEDS, Player, along, positionOf } from "../poll/player.js";
import { offerPng } from "../ui/pngbutton.js";
import { Corner } from "../ui/corner.js";
import { TallyBars } from "../poll/tallybars.js";

const FETCH_AFTER = 3_000; // what moves on is fetched no more often
const STILL = 1_000; // a reader who wants no motion sees a picture a second

const find = (selector) => document.querySelector(selector);
let view = null;

class Replay {
  constructor({ texts, number, page, env }) {
    this.texts = texts;
    this.env = env;
    this.page = page;
    this.number = number;
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.corner = new Corner(find("#corner"), { texts });
    this.fetchTimer = null;
    this.open();
  }

  /** Begin with what the page holds now. */
  open() {
    const { replay } = this.page;
    this.shown = Boolean(replay);
    if (!replay) return;
    this.bars = new TallyBars(find("#bars"), this);
    const times = replay.items.map(([at]) => at);
    if (this.player) this.player.load(times);
    else this.player = new Player(times, () => this.draw());
    this.buildControls();
    this.mark();
    offerPng(this.texts);
    this.draw();
  }

  buildControls() {
    const say = (key) => this.texts.say(key);
    const options = SPEEDS.map((speed) => h("option", { value: speed, selected: speed === this.player.speed }, `${speed} ×`));
    this.button = h("button", { type: "button", class: "primary play", onclick: () => this.toggle() });
    this.range = h("input", { type: "range", min: 0, step: "any", "aria-label": say("replay.time"), oninput: () => this.player.seek(Number(this.range.value)) });
    this.range.addEventListener("keydown", (event) => this.step(event));
    this.choice = h("select", { "aria-label": say("replay.speed"), onchange: () => { this.player.speed = Number(this.choice.value); } }, options);
    this.clock = h("p", { class: "clock" });
    this.idle = h("p", { class: "idle" });
    find("#controls").replaceChildren(this.button, this.range, this.choice, h("div", { class: "said" }, this.clock, this.idle));
  }

  /** Of a range with such small steps the keys would move nothing: they go from moment to moment, or a tenth. */
  step(event) {
    const { line, position, state } = this.player;
    const near = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const far = { PageUp: 1, PageDown: -1 }[event.key];
    if (!near && !far) return;
    event.preventDefault();
    if (far) this.player.seek(position + (far * line.total) / 10);
    else if (near > 0) this.player.seek(line.played[Math.min(state.index + 1, line.played.length - 1)]);
    else this.player.seek(line.played[position > line.played[state.index] ? state.index : Math.max(0, state.index - 1)]);
  }

  /** The place on the race; a tap on it goes there. */
  mark() {
    const race = find(".race svg");
    this.knots = JSON.parse(race.dataset.knots);
    const { top, bottom } = race.dataset;
    const right = this.knots[this.knots.length - 1][1];
    this.veil = svg("rect", { class: "veil", y: top - 4, height: bottom - top + 8 });
    this.cursor = svg("path", { class: "now", d: `M0 ${top}V${bottom}` });
    this.right = right;
    race.append(this.veil, this.cursor);
    race.addEventListener("click", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(race.getScreenCTM().inverse());
      if (point.x <= right + 20) this.player.seek(positionOf(this.player.line, along(this.knots, point.x, 1, 0)));
    });
  }

  toggle() {
    if (this.player.playing) this.player.pause();
    else this.play();
  }

  play() {
    let drawn = -Infinity;
    this.player.play(this.env.now());
    const frame = () => {
      const now = this.env.now();
      if (!this.still.matches || now - drawn >= STILL) {
        drawn = now;
        this.player.tick(now);
      }
      if (this.player.playing) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  draw() {
    if (!this.shown) return;
    const { replay } = this.page;
    const { player } = this;
    const { index, at, idle } = player.state;
    const [, ballots, ...counts] = replay.items[index];
    const last = player.position >= player.line.total;
    const tally = { round: replay.round, ballots, counts: Object.fromEntries(replay.options.map((option, n) => [option.id, counts[n]])) };
    this.bars.update({ ...replay, phase: last && replay.over ? "closed" : "open" }, tally);
    const words = this.texts.say(player.playing ? "replay.pause" : "replay.play");
    setText(this.button, words);
    this.range.max = player.line.total;
    this.range.value = player.position;
    const cast = this.texts.say("poll.ballots", { n: this.number(ballots) }, ballots);
    const time = this.timeOf(at);
    this.range.setAttribute("aria-valuetext", `${time}, ${cast}`);
    setText(this.clock, `${time} · ${cast}`);
    setText(this.idle, idle ? this.texts.say("replay.idle", { time: clockFace(idle) }) : "");
    const x = along(this.knots, at);
    this.cursor.setAttribute("transform", `translate(${x} 0)`);
    this.veil.setAttribute("x", x);
    this.veil.setAttribute("width", Math.max(0, this.right - x));
  }

  /** The moment in the reader's zone. */
  timeOf(at) {
    return moment(at);
  }

  /** What the stream says: hidden again, shown again, or moved on. */
  hear(scene) {
    const tally = scene.kind === "poll" ? scene.tally : null;
    if (scene.kind === "waiting") return;
    if (!tally) {
      if (this.shown) this.hide();
      return;
    }
    const { replay } = this.page;
    const known = replay && replay.items[replay.items.length - 1];
    const moved = !known || (replay.current && (tally.round !== replay.round || tally.ballots !== known[1]
      || replay.options.some((option, n) => tally.counts[option.id] !== known[n + 2]) || (scene.poll.phase === "closed") !== replay.over));
    if ((!this.shown || moved) && !this.fetchTimer) this.fetchTimer = this.env.setTimeout(() => this.fetch(), this.shown ? FETCH_AFTER : 0);
  }

  hide() {
    this.shown = false;
    this.page.replay = null;
    if (this.player && this.player.playing) this.player.pause();
    const section = h("section", { class: "hidden-now", tabindex: "-1" }, h("p", { class: "wrong", role: "status" }, this.texts.say("replay.hidden")));
    find("#shown").replaceChildren(section);
  }

  /** The same page again: what may be shown is for the server to say. */
  async fetch() {
    try {
      const response = await this.env.fetch(location.href, { headers: { Accept: "text/html" } });
      const found = new DOMParser().parseFromString(await response.text(), "text/html");
      const data = found.getElementById("page");
      const page = data ? JSON.parse(data.textContent) : null;
      if (response.ok && page && page.replay) this.renew(found, page);
      else if (this.shown) this.hide();
    } catch {
      // The next event of the stream tries again.
    }
    this.fetchTimer = null;
  }

  renew(found, page) {
    const [ours, theirs] = [document, found].map((each) => each.getElementById("shown"));
    const focused = ours.contains(document.activeElement) ? document.activeElement : null;
    const place = ["play", "range", "choice"].findIndex((name) => focused && focused === (name === "play" ? this.button : this[name]));
    const speed = this.player && this.player.speed;
    ours.replaceChildren(...document.importNode(theirs, true).childNodes);
    this.page.replay = page.replay;
    this.open();
    if (speed) this.player.speed = speed;
    this.choice.value = this.player.speed;
    if (place >= 0) [this.button, this.range, this.choice][place].focus();
  }
}

function draw(context) {
  if (!view) view = new Replay({ ...context, page: dataBlock("page") });
  view.corner.update(context.live);
  view.hear(context.scene);
}

function tick(context) {
  if (view) view.corner.update(context.live);
}

start({ audience: dataBlock("page").audience, draw, tick });
document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("button, select, a, input, textarea, summary") || event.ctrlKey || event.metaKey || event.altKey;
  if (event.key !== " " || busy || !view || !view.shown) return;
  event.preventDefault();
  view.toggle();
});
