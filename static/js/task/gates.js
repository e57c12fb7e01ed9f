// The gates of a task that wait for a decision, with buttons for those who may make it, and what follows its failure.

import { openDialog } from "../ui/dialog.js";
import { h, setText } from "../ui/dom.js";
import { formatShortTimestamp } from "../ui/timestamps.js";
import { sendCommand } from "./commands.js";
import { approversText, mayDecide, standingText, waitingGates } from "./gatesteps.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { FollowUp, Step } from "../net/wire.d.ts" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { TaskScene } from "../wall/scene.js" */

/** @typedef {"approve" | "reject"} Decision */

export class GatePanel {
  /**
   * @param {HTMLElement} root
   * @param {{texts: Texts, number: FormatNumber, env: Environment, live: LiveStreams,
   *   page: {task: string, me: string[]}}} context
   */
  constructor(root, { texts, number, env, live, page }) {
    this.root = root;
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.live = live;
    this.task = page.task;
    this.me = page.me;
    this.shown = "";
    /** @type {(() => void)[]} show how each poll stands */
    this.updates = [];
    /** @type {{step: string, close: () => void} | null} the open question */
    this.question = null;
    root.replaceChildren(); // the forms of the page without script
  }

  /** @param {TaskScene} scene */
  update({ steps, task }) {
    const gates = waitingGates(steps);
    const { on_failure: followUp } = task;
    const shown = JSON.stringify([gates.map((step) => [step.name, step.waits_for]), followUp]);
    if (shown !== this.shown) {
      this.shown = shown;
      this.updates = [];
      const entries = gates.map((step) => this.entry(step));
      if (followUp) entries.push(this.followUpEntry(followUp));
      this.root.replaceChildren(...entries);
      this.root.hidden = entries.length === 0;
      // Somebody else has decided.
      const { question } = this;
      if (question && !gates.some(({ name }) => name === question.step)) question.close();
    }
    for (const update of this.updates) update();
  }

  /** @param {Step} step */
  entry(step) {
    const { approvers = [], poll, until } = step.waits_for || {};
    const { texts } = this;
    if (poll) return this.pollEntry(step.name, poll, until);
    const button = (/** @type {Decision} */ decision) =>
      h("button", { type: "button", class: decision === "reject" ? "danger" : "primary", onclick: () => this.ask(step, decision) },
        texts.say(`gate.${decision}`));
    return h("div", { class: "gate" },
      h("p", { dir: "auto" }, h("b", {}, step.name), ": ", texts.say("gate.waits", { who: approversText(approvers, texts) }), this.endPart(until)),
      mayDecide(approvers, this.me) ? h("p", { class: "acts" }, button("approve"), button("reject")) : null);
  }

  /** @param {string | undefined} until */
  endPart(until) {
    const time = until ? formatShortTimestamp(until, this.live.clock.now()) : "";
    return time ? h("span", { class: "quiet" }, " ", this.texts.say("gate.until", { time })) : null;
  }

  /** @param {FollowUp} followUp */
  followUpEntry({ state, reason, poll, until, started }) {
    const { texts } = this;
    const label = texts.say("gate.failure");
    if (state === "open" && poll) return this.pollEntry(label, poll, until);
    const outcome = texts.say(`gate.failure.${state}`, { reason });
    return h("div", { class: "gate" }, h("p", { dir: "auto" }, h("b", {}, label), ": ", outcome,
      started ? [" ", h("a", { href: `/tasks/${encodeURIComponent(started)}` }, `#${started}`)] : null,
      poll ? [" · ", h("a", { href: `/polls/${poll}` }, texts.say("gate.failure.poll"))] : null));
  }

  /**
   * @param {string} label
   * @param {string} poll
   * @param {string | undefined} until
   */
  pollEntry(label, poll, until) {
    const { texts } = this;
    const title = h("a", { href: `/polls/${poll}`, dir: "auto" }, poll);
    const code = h("a", {});
    const wall = h("span", { hidden: true }, ` · ${texts.say("gate.wall")} `, code);
    const standing = h("p", { class: "standing", dir: "auto" });
    this.updates.push(() => {
      const { values } = this.live.state(`polls/${poll}`);
      if (values.poll) {
        setText(title, values.poll.title);
        wall.hidden = !values.poll.wall;
        if (values.poll.wall) code.setAttribute("href", `/w/${values.poll.wall}`);
        setText(code, values.poll.wall || "");
      }
      setText(standing, standingText(values, this));
    });
    return h("div", { class: "gate" },
      h("p", { dir: "auto" }, h("b", {}, label), ": ", texts.say("gate.poll"), " ", title, wall, this.endPart(until)), standing);
  }

  /**
   * Asks what the decision will do, and for a comment.
   * @param {Step} step
   * @param {Decision} decision
   */
  ask(step, decision) {
    const { texts } = this;
    const comment = h("input", { name: "comment", maxlength: "500", autocomplete: "off", dir: "auto" });
    // The same `ref` for a second press, so that a decision whose answer was lost is made once.
    const ref = String(this.env.random()).slice(2);
    const problem = h("p", { class: "wrong", role: "alert", hidden: true });
    const yes = h("button", { type: "submit", class: decision === "reject" ? "danger" : "primary" }, texts.say(`gate.${decision}_do`));
    const send = async (/** @type {Event} */ event) => {
      event.preventDefault();
      yes.disabled = true;
      const body = { decision, comment: comment.value.trim(), ref };
      const { refusal } = await sendCommand(this, this.task, `steps/${encodeURIComponent(step.name)}/decide`, body);
      yes.disabled = false;
      setText(problem, refusal);
      problem.hidden = !refusal;
      if (!refusal) dialog.close();
    };
    const dialog = openDialog({
      onClose: () => {
        this.question = null;
      },
      title: texts.say(`gate.${decision}_sure`, { step: step.name }),
      parts: h("form", { onsubmit: send },
        h("p", {}, texts.say(`gate.${decision}_means`)),
        h("label", { class: "field" }, texts.say("gate.comment"), comment),
        problem,
        h("p", { class: "acts" }, yes,
          h("button", { type: "button", class: "second", autofocus: true, onclick: () => dialog.close() }, texts.say("gate.later")))),
    });
    this.question = { step: step.name, close: dialog.close };
  }
}
