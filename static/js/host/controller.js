// What buttons and keys do: each runs one command, reports its outcome, and offers to undo it where that is possible.

import { confirm } from "../ui/dialog.js";
import { CommandRunner } from "./commandrunner.js";
import { commands, isResultShown } from "./commands.js";
import { nextStep } from "./keys.js";
import { moveItem, neighborItem } from "./order.js";
import { openPhone } from "./phone.js";
import { changedFields, newPollFields } from "./pollfields.js";
import { errorText, openPollForm } from "./pollform.js";
import { openRenameForm } from "./renameform.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Stream } from "../net/wire.d.ts" */
/** @import { Announcer } from "../ui/announcer.js" */
/** @import { Notice } from "../ui/notice.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { KeyAction, NextStep } from "./keys.js" */
/** @import { HostPage, Item, WallModel } from "./wallmodel.js" */

/** A second press of the step button within this time was not meant for the step that it shows by then. */
const BOUNCE = 700;
const RELOAD_INTERVAL = 5_000;

export class HostController {
  /**
   * @param {{page: HostPage & {phone: string}, env: Environment, texts: Texts, model: WallModel, announcer: Announcer,
   *   notice: Notice, redraw: () => void}} options
   */
  constructor({ page, env, texts, model, announcer, notice, redraw }) {
    this.phoneAddress = page.phone;
    this.env = env;
    this.texts = texts;
    this.model = model;
    this.announcer = announcer;
    this.notice = notice;
    this.redraw = redraw;
    this.runner = new CommandRunner({ page, env, texts, model, notice, onChange: redraw });
    this.steppedAt = -Infinity;
    /** @type {Set<Stream>} items that were read since the last loss of the connection */
    this.read = new Set();
    this.status = "";
    /** @type {string | null} */
    this.announced = null;
    /** @type {number | null} */
    this.reloadTimer = null;
  }

  get wall() {
    return this.model.wall;
  }

  /** Whether a command is under way. */
  get busy() {
    return this.runner.busy;
  }

  /**
   * Runs something on the poll that is on the screen, unless a command is under way.
   * @param {(item: Stream) => void} action
   */
  onActive(action) {
    const { active } = this.wall;
    if (active && active.startsWith("polls/") && !this.busy) action(active);
  }

  // -- the screen

  /**
   * Returns what the step button and the forward key do now.
   * @returns {NextStep & {text: string}}
   */
  nextStep() {
    const { active } = this.model;
    const next = nextStep(this.wall, active && active.poll);
    if (next.do === "show") {
      const title = this.runner.titleOf(next.item);
      return { ...next, text: this.texts.say(next.first ? "host.step.first" : "host.step.next", { title }) };
    }
    return { ...next, text: this.texts.say(next.do === "none" ? "host.step.empty" : `host.step.${next.do}`) };
  }

  async step() {
    if (this.busy || this.env.now() - this.steppedAt < BOUNCE) return;
    const next = this.nextStep();
    if (next.do === "open") await this.runner.run(next.item, commands.open, "home.done.open");
    else if (next.do === "close") await this.runner.run(next.item, commands.close, "home.done.close");
    else if (next.do === "show") await this.show(next.item);
    else this.announcer.repeat(next.text);
    this.steppedAt = this.env.now();
  }

  /** @param {-1 | 1} by */
  go(by) {
    const item = neighborItem(this.wall.items, this.wall.active, by);
    if (item && !this.busy) this.show(item);
  }

  /** @param {Stream | null} item */
  show(item) {
    const before = this.wall.active;
    const undo = () => this.runner.run(this.model.stream, commands.show(before), "host.undone");
    return this.runner.run(this.model.stream, commands.show(item), "home.done.show", { undo });
  }

  /** @param {KeyAction} action */
  key(action) {
    if (action === "step") this.step();
    else if (action === "previous") this.go(-1);
    else if (action === "next") this.go(1);
    else if (action === "results") this.onActive((item) => this.toggleResults(item));
    else if (action === "time") this.onActive((item) => this.setTimer(item, { add: 30 }));
  }

  // -- polls

  /** @param {Stream} item */
  togglePhase(item) {
    const isOpen = this.model.poll(item).phase === "open";
    if (isOpen) return this.runner.run(item, commands.close, "home.done.close");
    return this.runner.run(item, commands.open, item === this.wall.active ? "home.done.open" : "home.done.open_hidden");
  }

  /** @param {Stream} item */
  toggleResults(item) {
    const show = !isResultShown(this.model.poll(item));
    return this.runner.run(item, commands.results(show), show ? "home.done.publish" : "home.done.hide");
  }

  /**
   * @param {Stream} item
   * @param {{left?: number | null, add?: number}} change
   */
  setTimer(item, change) {
    return this.runner.run(item, commands.timer(change), "home.done.timer");
  }

  /** @param {Stream} item */
  reset(item) {
    const { round } = this.model.poll(item);
    const text = this.texts.say("home.reset_sure", { round });
    this.confirm(item, text, this.texts.say("home.reset_do", { next: round + 1 }), () =>
      this.runner.run(item, commands.reset(round), "home.done.reset"));
  }

  /** @param {Stream} item */
  archive(item) {
    const index = this.wall.items.indexOf(item);
    const undo = () => this.restore(item, index);
    this.confirm(item, this.texts.say("home.archive_sure"), this.texts.say("home.archive_do"), () =>
      this.runner.run(item, commands.archive, "home.done.archive", { undo }));
  }

  /** @param {Stream} item */
  erase(item) {
    this.confirm(item, this.texts.say("home.erase_sure"), this.texts.say("home.erase_do"), () =>
      this.runner.run(item, commands.erase, "home.done.erase"));
  }

  /**
   * @param {Stream} item
   * @param {string} text
   * @param {string} yes
   * @param {() => void} onConfirm
   */
  confirm(item, text, yes, onConfirm) {
    confirm({ title: this.runner.titleOf(item), text, yes, no: this.texts.say("host.cancel") }, onConfirm);
  }

  /**
   * Restores an archived poll to its place on the wall.
   * @param {Stream} item
   * @param {number} place
   */
  async restore(item, place) {
    const { ok, error } = await this.runner.call({ method: "POST", path: `/api/${item}/restore`, body: {} });
    if (error) this.notice.show(errorText(error, this.texts), { wrong: true });
    else if (ok && ok.wall) await this.reorder((items) => moveItem(items, item, place), "host.undone");
  }

  /** @param {Stream} item */
  async duplicate(item) {
    const { error } = await this.runner.call({ method: "POST", path: `/api/${item}/duplicate`, body: {} });
    this.notice.show(error ? errorText(error, this.texts) : this.texts.say("home.done.copy"), { wrong: Boolean(error) });
  }

  /** @param {Stream} item */
  async edit(item) {
    const poll = this.model.poll(item);
    const { tally } = this.model.item(item);
    const base = await this.runner.versionForForm(item);
    if (!base) return;
    openPollForm({ poll, locked: Boolean(tally && tally.ballots), texts: this.texts }, (values) =>
      this.runner.run(item, commands.edit(changedFields(values, poll)), "home.done.edit", { base, quiet: true }));
  }

  create() {
    openPollForm({ texts: this.texts }, async (values) => {
      const outcome = await this.runner.call({ method: "POST", path: "/api/polls", body: newPollFields(values, this.wall.code) });
      if (outcome.ok) this.notice.show(this.texts.say("home.done.create"));
      return outcome;
    });
  }

  // -- the wall

  /**
   * @param {Stream} item
   * @param {number} by
   */
  moveBy(item, by) {
    const index = this.wall.items.indexOf(item) + by;
    if (index >= 0 && index < this.wall.items.length) this.moveTo(item, index);
  }

  /**
   * @param {Stream} item
   * @param {number} place
   */
  moveTo(item, place) {
    const before = this.wall.items;
    const done = this.texts.say("host.moved", { title: this.runner.titleOf(item), n: place + 1, of: before.length });
    const undo = () => this.reorder((items) => moveItem(items, item, before.indexOf(item)), "host.undone");
    this.reorder((items) => moveItem(items, item, place), done, undo);
  }

  /**
   * @param {(items: Stream[]) => Stream[]} order
   * @param {string} done
   * @param {(() => void) | null} undo
   */
  reorder(order, done, undo = null) {
    return this.runner.run(this.model.stream, commands.reorder(order), done, { undo });
  }

  async rename() {
    const { title } = this.wall;
    const base = await this.runner.versionForForm(this.model.stream);
    if (!base) return;
    openRenameForm(title, this.texts, (next) =>
      this.runner.run(this.model.stream, commands.rename(next), "home.done.edit", { base }));
  }

  async openPhone() {
    if (!(await openPhone(this.phoneAddress, this))) this.notice.show(this.texts.say("host.not_sent"), { wrong: true });
  }

  // -- what happens without the host

  /**
   * Reads items that the page does not follow, each once: a wall may have more items than a connection carries streams.
   * @param {Stream[]} items
   */
  async readItems(items) {
    const unread = items.filter((item) => !this.read.has(item));
    for (const item of unread) this.read.add(item);
    for (const item of unread) {
      const version = await this.runner.refresh(item);
      if (version) this.model.update(item, version.value);
    }
    if (unread.length) this.redraw();
  }

  /** Reads how many messages there are in the rooms of the wall by now. */
  refreshRooms() {
    for (const room of this.model.rooms) this.read.delete(room);
    return this.readItems(this.model.rooms);
  }

  /**
   * Reads the items that are not followed again after a loss of the connection: they may be old.
   * @param {string} status
   */
  connectionChanged(status) {
    const isBack = status === "open" && this.status === "lost";
    this.status = status;
    if (!isBack) return;
    this.read.clear();
    this.readItems(this.model.notFollowed);
  }

  /**
   * Announces to a screen reader that another item is on the screen, or that its phase has changed. The first state is
   * what the reader finds on the page.
   * @param {Item | null} item
   */
  announce(item) {
    const phase = item && item.poll ? `: ${this.texts.say(`poll.phase.${item.poll.phase}`)}` : "";
    const text = item ? item.title + phase : this.texts.say("host.nothing");
    if (this.announced !== null && this.announced !== text) this.announcer.announce(text);
    this.announced = text;
  }

  /** Reloads the page when the wall was removed or the sign-in has ended: the server knows which. */
  reload() {
    if (this.reloadTimer) return;
    this.reloadTimer = this.env.setTimeout(() => location.reload(), Math.max(0, RELOAD_INTERVAL - this.env.now()));
  }
}
