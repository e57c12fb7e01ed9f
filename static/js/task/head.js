// The head of a task's page: what it is, how it stands, how long it takes, and what may be done with it.

import { setText } from "../ui/dom.js";
import { hasEnded } from "./states.js";
import { elapsed, expected } from "./timing.js";
import { Away } from "../ui/offline.js";
import { Badge } from "./badge.js";

const find = (selector) => document.querySelector(selector);

export class TaskHead {
  constructor(context) {
    this.context = context;
    this.texts = context.texts;
    this.parts = {
      title: find(".head .title"), done: find(".head .progressed"), reason: find("#reason"),
      time: find(".head .time"), rest: find(".head .rest"),
      cancel: find("#cancel"), retry: find("#retry"), sure: find("#sure"), answer: find("#answer"),
    };
    this.badge = new Badge(this.texts, find(".head .badge"));
    const { cancel, retry, sure } = this.parts;
    const head = { element: find(".head"), beside: find(".head .acts") || find(".head .eta") };
    this.away = new Away([head], { texts: this.texts, words: cancel ? "live.away" : "live.away_figures" });
    if (!cancel) return;
    cancel.addEventListener("click", () => sure.showModal());
    sure.addEventListener("close", () => sure.returnValue === "yes" && this.act("cancel", cancel));
    retry.addEventListener("click", () => this.act("retry", retry));
  }

  update({ task, steps }) {
    this.task = task;
    this.steps = steps;
    const { title, done, reason, cancel, retry } = this.parts;
    setText(title, task.title);
    this.badge.set(task.state);
    setText(reason, task.reason || "");
    reason.hidden = !task.reason;
    const ended = steps.filter((step) => hasEnded(step.state)).length;
    setText(done, this.texts.say("task.done", { n: ended, of: steps.length }));
    if (cancel) {
      for (const plain of document.querySelectorAll(".head .acts .plain")) plain.remove(); // the forms of a page without script
      const over = hasEnded(task.state);
      cancel.hidden = over;
      cancel.disabled = task.state === "cancelling";
      retry.hidden = !over || task.state === "succeeded" || !task.pipeline;
    }
    this.tick();
  }

  tick() {
    if (!this.task) return;
    this.away.update(this.context.live);
    if (this.away.away) return; // how long it has been running by now, nobody knows
    const now = this.context.live.clock.now();
    setText(this.parts.time, elapsed(this.task, now));
    setText(this.parts.rest, expected(this.task, now, this.texts));
  }

  /** Asks for it; what was refused is said where one looks. */
  async act(what, button) {
    const say = (text) => {
      setText(this.parts.answer, text);
      this.parts.answer.hidden = !text;
    };
    button.disabled = true;
    say("");
    try {
      const response = await this.context.env.fetch(`/api/tasks/${encodeURIComponent(this.task.id)}/${what}`, {
        method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: "{}",
      });
      const answer = await response.json();
      if (!response.ok) {
        const key = `error.${answer.error.code}`;
        const known = answer.error.code !== "conflict" && this.texts.has(key);
        say(known ? this.texts.say(key) : answer.error.message);
      } else if (what === "retry") {
        location.assign(`/tasks/${encodeURIComponent(answer.id)}`);
      }
    } catch {
      say(this.texts.say("task.not_sent"));
    }
    button.disabled = this.task.state === "cancelling";
  }
}
