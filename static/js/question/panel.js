// The questions of a wall in a panel of its page: the field to ask, one's own, and those of everybody.

import { Outbox } from "../room/outbox.js";
import { QuestionStorage } from "../room/storage.js";
import { find } from "../ui/dom.js";
import { Asking } from "./asking.js";
import { QuestionCalls } from "./calls.js";
import { QuestionList } from "./list.js";
import { visibleQuestions } from "./order.js";
import { Votes } from "./votes.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Unsent } from "../room/outbox.js" */
/** @import { Announcer } from "../ui/announcer.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */

/** For so long the page says why something was refused. */
const REFUSAL_SHOWN = 8_000;
/** One's own question that no host has shown for so long is not shown as waiting any more. */
const MOST_WAIT = 86_400_000;

export class QuestionsPanel {
  /**
   * @param {HTMLElement} root
   * @param {{wall: string, isHost: boolean, texts: Texts, number: FormatNumber, env: Environment, live: LiveStreams,
   *   announcer: Announcer}} tools
   */
  constructor(root, { wall, isHost, texts, number, env, live, announcer }) {
    this.root = root;
    this.stream = `questions/${wall}`;
    this.isHost = isHost;
    this.texts = texts;
    this.env = env;
    this.live = live;
    this.announcer = announcer;
    this.storage = new QuestionStorage(wall);
    this.calls = new QuestionCalls({ wall, live, env });
    this.refusal = "";
    this.refusedAt = 0;
    this.hasOwn = false;
    this.isLoading = false;
    this.wasLive = false;
    /** @type {Readonly<Record<string, any>> | null} */
    this.drawn = null;
    this.outbox = new Outbox({
      env,
      send: (entry) => this.send(entry),
      onChange: () => this.update(),
      storage: { load: () => this.storage.loadUnsent(), save: (entries) => this.storage.saveUnsent(entries) },
      limit: "rate",
    });
    this.votes = new Votes({
      env,
      send: (n, up) => this.calls.vote(n, up),
      onChange: () => this.redraw(),
      onRefused: (error) => this.refuse(texts.error(error, "question")),
    });
    this.asking = new Asking(root, {
      texts, announcer, storage: this.storage, outbox: this.outbox,
      reasonOf: (entry) => (entry.error ? texts.error(entry.error, "question") : ""),
      onForget: ({ n }) => this.forget((each) => each.n === n),
    });
    this.list = new QuestionList(find("#asked", root), { texts, number, env, votes: this.votes });
    this.outbox.restore();
  }

  /** @param {string} text */
  refuse(text) {
    this.refusal = text;
    this.refusedAt = this.env.now();
    this.announcer.repeat(text);
    this.update();
  }

  /** @param {Unsent} entry */
  async send(entry) {
    const answer = await this.calls.ask(entry);
    if (answer && answer.ok) {
      const question = answer.ok;
      this.votes.take([question.n]);
      if (question.state === "pending") this.storage.waiting = [...this.storage.waiting, { n: question.n, text: question.text, at: this.env.wallClock() }];
      this.announcer.repeat(this.texts.say(question.state === "pending" ? "question.done_waiting" : "question.done"));
    }
    return answer;
  }

  /** @param {(question: import("../room/storage.js").Waiting) => boolean} isOver */
  forget(isOver) {
    const { waiting } = this.storage;
    const left = waiting.filter((each) => !isOver(each));
    if (left.length === waiting.length) return;
    this.storage.waiting = left;
    this.update();
  }

  /** The panel is shown. */
  shown() {
    this.asking.shown();
    this.drawn = null;
    this.update();
  }

  /** The streams have something new, or a second is over. */
  update() {
    if (!this.list) return; // what was left unsent is restored
    const { values, ready } = this.live.state(this.stream);
    const isLive = this.live.displayState === "live";
    if (isLive && !this.wasLive) {
      if (this.outbox.entries.some(({ state }) => state === "unreached")) this.outbox.retryNow();
      this.votes.retryNow();
    }
    this.wasLive = isLive;
    if (ready) this.settle(values);
    if (this.root.hidden) return;
    if (!this.hasOwn && isLive) this.load();
    const info = values.questions;
    const isClosed = ready && info && !info.open;
    if (this.refusal && this.env.now() - this.refusedAt > REFUSAL_SHOWN) this.refusal = "";
    this.asking.update({
      forbidden: ready && isClosed && !this.isHost ? this.texts.say("question.closed") : "",
      note: info && info.moderated ? this.texts.say("question.moderated") : "",
      away: this.live.displayState === "lost" ? this.texts.say("question.away") : "",
      refusal: this.refusal,
    });
    if (ready && values !== this.drawn) this.redraw();
  }

  redraw() {
    const { values, ready } = this.live.state(this.stream);
    if (!ready || this.root.hidden || !this.list) return;
    this.drawn = values;
    this.list.update(visibleQuestions(values), Boolean(values.questions && values.questions.open));
  }

  /** @param {Readonly<Record<string, any>>} values */
  settle(values) {
    const isHeld = (/** @type {number} */ n) => Boolean(values[`question/${n}`]);
    const { waiting } = this.storage;
    this.outbox.settle((n) => isHeld(n) || waiting.some((each) => each.n === n));
    if (waiting.length) this.forget(({ n, at }) => isHeld(n) || this.env.wallClock() - at > MOST_WAIT);
  }

  /** Fetches which questions the reader votes for. */
  async load() {
    if (this.isLoading) return;
    this.isLoading = true;
    const voted = await this.calls.voted();
    this.isLoading = false;
    if (!voted) return; // asked again with the next second
    this.hasOwn = true;
    this.votes.take(voted);
  }
}
