// What buttons and keys do: one act of the API each, what became of it in words, and a way back where there is one.

import { openConflict } from "./conflict.js";
import { confirm, openDialog } from "../ui/dialog.js";
import { openPhone } from "./phone.js";
import { openPollForm, wordsOf } from "./pollform.js";
import { h } from "../ui/dom.js";
import { shortMoment } from "../ui/timestamps.js";
import { acts, isShown } from "./commands.js";
import { changed, made } from "./pollfields.js";
import { step } from "./keys.js";
import { moved, neighbour } from "./order.js";
import { Remote } from "./commandqueue.js";

const BOUNCE = 700; // a second press that comes this soon was no second wish: the step means something else by then

export class Steering {
  constructor({ page, env, texts, agenda, announcer, redraw }) {
    Object.assign(this, { page, env, texts, agenda, announcer, redraw });
    this.read = new Set();
    this.status = "";
    this.remote = new Remote({ env, shown: (name) => agenda.shown(name), changed: redraw });
    this.remote.shelf.put(page.wallStream, page.wall, `"${page.version}"`);
    for (const [item, { poll, version }] of Object.entries(page.items)) if (poll) this.remote.shelf.put(item, poll, `"${version}"`);
    this.steppedAt = -Infinity;
    this.stage = {
      step: () => this.step(),
      previous: () => this.go(-1),
      next: () => this.go(1),
      open: () => this.onActive((item) => this.phase(item)),
      results: () => this.onActive((item) => this.results(item)),
      time: (given) => this.onActive((item) => this.act(item, acts.timer(given), "home.done.timer")),
      reset: () => this.onActive((item) => this.reset(item)),
    };
    this.rows = {
      show: (item) => this.show(item === this.wall.active ? null : item),
      phase: (item) => this.phase(item),
      results: (item) => this.results(item),
      edit: (item) => this.edit(item),
      duplicate: (item) => this.duplicate(item),
      reset: (item) => this.reset(item),
      archive: (item) => this.archive(item),
      erase: (item) => this.erase(item),
      up: (item) => this.moveBy(item, -1),
      down: (item) => this.moveBy(item, 1),
      moveBy: (item, by) => this.moveBy(item, by),
      moveTo: (item, place) => this.moveTo(item, place),
    };
  }

  get wall() {
    return this.agenda.wall;
  }

  get active() {
    const { active } = this.wall;
    return active ? this.agenda.entry(active) : null;
  }

  titleOf(item) {
    return this.agenda.entry(item).title || this.texts.say("home.untitled");
  }

  // -- the one way to act

  /** Does it, says what became of it, and asks where somebody else was first. Resolves with {ok}, {error} or {kept}. */
  async act(name, make, done, { undo = null, base = null, quiet = false } = {}) {
    const outcome = await this.remote.act(name, make, base);
    if (outcome.conflict) return this.ask(name, make, done, outcome.conflict, { undo, quiet });
    if (outcome.error && !quiet) this.notice.say(wordsOf(outcome.error, this.texts), { wrong: true });
    if (outcome.ok && done) this.notice.say(this.texts.has(done) ? this.texts.say(done) : done, { undo });
    if (outcome.ok && outcome.ok.options && !this.agenda.live.streams.includes(name)) this.agenda.learn(name, outcome.ok);
    return outcome;
  }

  ask(name, make, done, { fresh, changed: list, possible }, more) {
    if (fresh.value.options) this.agenda.learn(name, fresh.value);
    return new Promise((resolve) => {
      const again = async () => resolve(await this.act(name, make, done, { ...more, base: fresh }));
      const tools = { texts: this.texts, titleOf: (item) => this.titleOf(item), time: (at) => shortMoment(at, Date.now()) };
      openConflict({ changed: list, again: possible ? again : null, leave: () => resolve({ kept: true }) }, tools);
    });
  }

  onActive(what) {
    const { active } = this.wall;
    if (active && active.startsWith("polls/") && !this.remote.busy) what(active);
  }

  // -- the screen

  /** {do, item, words}: what the big button and the forward key do now. */
  nextStep() {
    const entry = this.active;
    const next = step(this.wall, entry && entry.poll);
    const nowhere = this.wall.items.length ? "host.step.end" : "host.step.empty";
    if (next.do !== "show") return { ...next, words: this.texts.say(next.do === "none" ? nowhere : `host.step.${next.do}`) };
    const title = this.titleOf(next.item);
    return { ...next, words: this.texts.say(next.first ? "host.step.first" : "host.step.next", { title }) };
  }

  async step() {
    if (this.remote.busy || this.env.now() - this.steppedAt < BOUNCE) return;
    const next = this.nextStep();
    if (next.do === "open") await this.act(next.item, acts.open, "home.done.open");
    else if (next.do === "close") await this.act(next.item, acts.close, "home.done.close");
    else if (next.do === "show") await this.show(next.item);
    else this.announcer.repeat(next.words);
    this.steppedAt = this.env.now();
  }

  go(by) {
    const item = neighbour(this.wall.items, this.wall.active, by);
    if (item && !this.remote.busy) this.show(item);
  }

  show(item) {
    const before = this.wall.active;
    const undo = () => this.act(this.agenda.stream, acts.show(before), "host.undone");
    return this.act(this.agenda.stream, acts.show(item), "home.done.show", { undo });
  }

  // -- polls

  phase(item) {
    const open = this.agenda.shown(item).phase === "open";
    const hidden = !open && item !== this.wall.active;
    return this.act(item, open ? acts.close : acts.open, open ? "home.done.close" : hidden ? "home.done.open_hidden" : "home.done.open");
  }

  results(item) {
    const show = !isShown(this.agenda.shown(item));
    return this.act(item, acts.results(show), show ? "home.done.publish" : "home.done.hide");
  }

  reset(item) {
    const { round } = this.agenda.shown(item);
    const say = (key, values) => this.texts.say(key, values);
    confirm({ title: this.titleOf(item), text: say("home.reset_sure", { round }), yes: say("home.reset_do", { next: round + 1 }), no: say("host.cancel") },
      () => this.act(item, acts.reset(round), "home.done.reset"));
  }

  archive(item) {
    const say = (key) => this.texts.say(key);
    const place = this.wall.items.indexOf(item);
    confirm({ title: this.titleOf(item), text: say("home.archive_sure"), yes: say("home.archive_do"), no: say("host.cancel") },
      () => this.act(item, acts.archive, "home.done.archive", { undo: () => this.putBack(item, place) }));
  }

  erase(item) {
    const say = (key) => this.texts.say(key);
    confirm({ title: this.titleOf(item), text: say("home.erase_sure"), yes: say("home.erase_do"), no: say("host.cancel") },
      () => this.act(item, acts.erase, "home.done.erase"));
  }

  async putBack(item, place) {
    const { ok, error } = await this.remote.plain({ method: "POST", path: `/api/${item}/restore`, body: {} });
    if (error) this.notice.say(wordsOf(error, this.texts), { wrong: true });
    else if (ok.wall) await this.reorder((items) => moved(items, item, place), "host.undone");
  }

  async duplicate(item) {
    const { error } = await this.remote.plain({ method: "POST", path: `/api/${item}/duplicate`, body: {} });
    this.notice.say(error ? wordsOf(error, this.texts) : this.texts.say("home.done.copy"), { wrong: Boolean(error) });
  }

  /** What is changed in the form is meant for the poll as it stood when the form was opened. */
  async edit(item) {
    const poll = this.agenda.shown(item);
    const entry = this.agenda.entry(item);
    const base = await this.remote.alone(() => this.remote.shelf.stand(item, poll));
    if (base.error) {
      this.notice.say(wordsOf(base.error, this.texts), { wrong: true });
      return;
    }
    const locked = Boolean(entry.tally && entry.tally.ballots);
    openPollForm({ poll, locked, texts: this.texts }, (values) =>
      this.act(item, acts.edit(changed(values, poll)), "home.done.edit", { base, quiet: true }));
  }

  make() {
    openPollForm({ texts: this.texts }, async (values) => {
      const outcome = await this.remote.plain({ method: "POST", path: "/api/polls", body: made(values, this.wall.code) });
      if (outcome.ok) this.notice.say(this.texts.say("home.done.create"));
      return outcome;
    });
  }

  // -- the wall

  moveBy(item, by) {
    const place = this.wall.items.indexOf(item) + by;
    if (place >= 0 && place < this.wall.items.length) this.moveTo(item, place);
  }

  moveTo(item, place) {
    const before = this.wall.items;
    const said = this.texts.say("host.moved", { title: this.titleOf(item), n: place + 1, of: before.length });
    this.reorder((items) => moved(items, item, place), said, () => this.reorder((items) => moved(items, item, before.indexOf(item)), "host.undone"));
  }

  reorder(order, done, undo = null) {
    return this.act(this.agenda.stream, acts.reorder(order), done, { undo });
  }

  async rename() {
    const { wall } = this;
    const base = await this.remote.alone(() => this.remote.shelf.stand(this.agenda.stream, wall));
    if (base.error) {
      this.notice.say(wordsOf(base.error, this.texts), { wrong: true });
      return;
    }
    const title = h("input", { name: "title", required: true, maxlength: "500", dir: "auto", autocomplete: "off" });
    title.value = wall.title;
    const form = h("form", { class: "make" }, h("label", { class: "field" }, this.texts.say("home.wall_title"), title),
      h("p", { class: "acts" }, h("button", { class: "primary" }, this.texts.say("host.save")),
        h("button", { type: "button", class: "second", onclick: () => box.close() }, this.texts.say("host.cancel"))));
    const box = openDialog({ title: this.texts.say("host.rename"), parts: [form] });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { error } = await this.act(this.agenda.stream, acts.rename(title.value.trim()), "home.done.edit", { base });
      if (!error) box.close();
    });
  }

  async phone() {
    if (!(await openPhone(this.page.phone, this))) this.notice.say(this.texts.say("host.not_sent"), { wrong: true });
  }

  key(act) {
    const keys = { step: this.stage.step, previous: this.stage.previous, next: this.stage.next, results: this.stage.results, time: () => this.stage.time({ add: 30 }) };
    if (keys[act]) keys[act]();
  }

  // -- what happens by itself

  /** Reads what the page does not follow, each once: a wall may have more items than a connection streams. */
  async catchUp(items) {
    const wanted = items.filter((item) => !this.read.has(item));
    for (const item of wanted) this.read.add(item);
    for (const item of wanted) {
      const found = await this.remote.shelf.fresh(item).catch(() => null);
      if (found) this.agenda.learn(item, found.value);
    }
    if (wanted.length) this.redraw();
  }

  /** After a loss everything that is not followed may be old. */
  connectionIs(status) {
    const back = status === "open" && this.status === "lost";
    this.status = status;
    if (!back) return;
    this.read.clear();
    this.catchUp(this.agenda.distant);
  }

  /** Said to a screen reader: another item on the screen, another phase. The first state is no news. */
  tell(entry) {
    const said = entry && entry.poll ? `${entry.title}: ${this.texts.say(`poll.phase.${entry.poll.phase}`)}` : entry ? entry.title : this.texts.say("host.nothing");
    if (this.told !== undefined && this.told !== said) this.announcer.say(said);
    this.told = said;
  }

  /** The wall was removed, or the sign-in has ended: the server knows which. */
  gone() {
    if (this.leaving) return;
    this.leaving = this.env.setTimeout(() => location.reload(), Math.max(0, 5_000 - this.env.now()));
  }
}
