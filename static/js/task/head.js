// The head of a task's page: what the task is, its state, its times, and the commands of an operator.

import { confirm, openDialog } from "../ui/dialog.js";
import { find, h, setText } from "../ui/dom.js";
import { OfflineNotice } from "../ui/offline.js";
import { StateBadge } from "./badge.js";
import { sendCommand } from "./commands.js";
import { waitingGates } from "./gatesteps.js";
import { canRetryByHost } from "./hosts.js";
import { hasEnded } from "./states.js";
import { reasonOf, stepsText } from "./stepwords.js";
import { elapsedText, forecastText } from "./timing.js";

/** @import { Dialog } from "../ui/dialog.js" */
/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { TaskScene } from "../wall/scene.js" */

export class TaskHead {
  /** @param {{texts: Texts, env: Environment, live: LiveStreams}} context */
  constructor({ texts, env, live }) {
    this.texts = texts;
    this.env = env;
    this.live = live;
    /** @type {TaskScene | null} */
    this.scene = null;
    this.parts = {
      title: find(".head .title"), done: find(".head .progressed"), reason: find("#reason"),
      time: find(".head .time"), rest: find(".head .rest"),
    };
    this.badge = new StateBadge(texts, find(".head .badge"));
    this.controls = this.findControls();
    /** Whether the question before a retry is also on which hosts. */
    this.asksHosts = false;
    /** @type {Dialog | null} the question before the task is cancelled, while it is open */
    this.question = null;
    const region = { element: find(".head"), beside: document.querySelector(".head .acts") || document.querySelector(".head .eta") };
    this.notice = new OfflineNotice([region], { texts, textKey: this.controls ? "live.away" : "live.away_figures" });
  }

  /** Returns the buttons of those who may cancel and retry the task; null for everybody else. */
  findControls() {
    if (!document.querySelector("#cancel")) return null;
    /** @type {HTMLButtonElement} */
    const cancel = find("#cancel");
    /** @type {HTMLButtonElement} */
    const retry = find("#retry");
    cancel.addEventListener("click", () => this.askCancel(cancel));
    retry.addEventListener("click", () => this.askRetry(retry));
    return { cancel, retry };
  }

  /** @param {TaskScene} scene */
  update(scene) {
    this.scene = scene;
    const { task, steps } = scene;
    const { title, done, reason } = this.parts;
    setText(title, task.title);
    this.badge.set(task.state);
    setText(reason, reasonOf(task, steps, this.texts));
    reason.hidden = !task.reason || waitingGates(steps).length > 0; // the panel of the gates says it
    setText(done, stepsText(steps, this.texts));
    if (this.controls) {
      const { cancel, retry } = this.controls;
      // The forms of the page without script.
      for (const plain of document.querySelectorAll(".head .acts .plain")) plain.remove();
      const isOver = hasEnded(task.state);
      cancel.hidden = isOver;
      cancel.disabled = task.state === "cancelling";
      if (this.question && (isOver || cancel.disabled)) this.question.close(); // it has no sense any more
      retry.hidden = !isOver || task.state === "succeeded" || !task.pipeline;
      this.asksHosts = canRetryByHost(steps);
    }
    this.tick();
  }

  tick() {
    if (!this.scene) return;
    this.notice.update(this.live);
    if (this.notice.offline) return; // nobody knows for how long the task has been running by now
    const { task } = this.scene;
    const now = this.live.clock.now();
    setText(this.parts.time, elapsedText(task, now));
    setText(this.parts.rest, forecastText(task, now, this.texts));
  }

  /**
   * Sends a command; a refusal is shown beside the buttons.
   * @param {"cancel" | "retry"} name
   * @param {HTMLButtonElement} button
   * @param {Record<string, unknown>} [body]
   */
  async command(name, button, body) {
    if (!this.scene) return;
    const problem = find("#answer");
    button.disabled = true;
    problem.hidden = true;
    const { answer, refusal } = await sendCommand(this, this.scene.task.id, name, body);
    setText(problem, refusal);
    problem.hidden = !refusal;
    if (answer && name === "retry") location.assign(`/tasks/${encodeURIComponent(answer.id)}`);
    button.disabled = this.scene.task.state === "cancelling";
  }

  /** @param {HTMLButtonElement} cancel */
  askCancel(cancel) {
    const { texts } = this;
    this.question = confirm({
      title: texts.say("task.cancel_sure"), text: texts.say("task.cancel_means"), yes: texts.say("task.cancel_do"),
      no: texts.say("task.cancel_not"),
      onClose: () => {
        this.question = null;
      },
    }, () => this.command("cancel", cancel));
  }

  /**
   * Asks before a retry, and on which hosts it runs the steps that did not succeed on all of them.
   * @param {HTMLButtonElement} retry
   */
  askRetry(retry) {
    const { texts } = this;
    if (!this.asksHosts) {
      confirm({
        title: texts.say("control.again_sure"), text: texts.say("control.again_plain"), yes: texts.say("control.again_do"),
        no: texts.say("control.not_now"), kind: "primary",
      }, () => this.command("retry", retry));
      return;
    }
    const choice = (/** @type {"failed" | "all"} */ hosts, /** @type {string} */ kind) => h("div", { class: "way" },
      h("button", { type: "button", class: kind, onclick: () => {
        dialog.close();
        this.command("retry", retry, { hosts });
      } }, texts.say(`control.again.${hosts}`)),
      h("p", { class: "quiet" }, texts.say(`control.again.means.${hosts}`)));
    const dialog = openDialog({
      title: texts.say("control.again_sure"),
      parts: [
        h("p", {}, texts.say("control.again_means")), choice("failed", "primary"), choice("all", "second"),
        h("p", { class: "acts" }, h("button", { type: "button", class: "second", autofocus: true, onclick: () => dialog.close() }, texts.say("control.not_now"))),
      ],
    });
  }
}
