// What the audience of a wall may do besides voting: questions, reactions, and a room. The settings, and what is added to
// the items of the wall.

import { openDialog } from "../ui/dialog.js";
import { h, setText } from "../ui/dom.js";
import { commands } from "./commands.js";
import { errorText } from "./pollform.js";
import { QueueView } from "./queueview.js";

/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Stream } from "../net/wire.d.ts" */
/** @import { CommandRunner } from "./commandrunner.js" */
/** @import { QueueTools } from "./queueview.js" */
/** @import { WallModel } from "./wallmodel.js" */

/** @typedef {"off" | "open" | "moderated" | "closed"} QuestionsSetting */
/** @type {QuestionsSetting[]} */
const SETTINGS = ["off", "open", "moderated", "closed"];

export class AskingPanel {
  /**
   * @param {HTMLElement} element
   * @param {Omit<QueueTools, "code" | "call"> & {model: WallModel, live: LiveStreams, runner: CommandRunner}} tools
   */
  constructor(element, tools) {
    const { texts, model, runner } = tools;
    this.tools = tools;
    this.texts = texts;
    this.model = model;
    this.runner = runner;
    this.stream = `questions/${model.wall.code}`;
    this.setting = h("select", { id: "asks", onchange: () => this.set({ questions: this.setting.value }) },
      SETTINGS.map((each) => h("option", { value: each }, texts.say(`host.asks.${each}`))));
    this.reactions = h("input", { type: "checkbox", onchange: () => this.set({ reactions: this.reactions.checked }) });
    this.addQuestions = h("button", { type: "button", class: "second", onclick: () => this.add(this.stream) }, texts.say("host.add_asks"));
    const box = h("div", { id: "queue" });
    element.replaceChildren(h("h2", {}, texts.say("host.audience")),
      h("div", { class: "settings" },
        h("label", { class: "field" }, texts.say("host.asks"), this.setting),
        h("label", { class: "check" }, this.reactions, " ", texts.say("host.reactions"))),
      h("p", { class: "acts" }, this.addQuestions,
        h("button", { type: "button", class: "second", onclick: () => this.chooseRoom() }, texts.say("host.add_room"))),
      box);
    this.box = box;
    this.halves = element.parentElement;
    this.view = new QueueView(box, { ...tools, code: model.wall.code, call: (call) => runner.call(call) });
    this.status = "";
  }

  update() {
    const { wall } = this.model;
    const setting = wall.questions || "off";
    if (!this.runner.busy) { // what was just chosen stays until it is known what became of it
      this.setting.value = setting;
      this.reactions.checked = Boolean(wall.reactions);
    }
    this.addQuestions.hidden = setting === "off" || wall.items.includes(this.stream);
    this.box.hidden = setting === "off";
    if (this.halves) this.halves.classList.toggle("asks", setting !== "off");
    const { values, ready } = this.tools.live.state(this.stream);
    if (ready) this.view.update(values);
    const { status } = this.tools.live;
    if (status === "open" && this.status === "lost") this.view.decisions.retryNow();
    this.status = status;
  }

  /** @param {{questions?: string, reactions?: boolean}} fields */
  async set(fields) {
    await this.runner.run(this.model.stream, commands.asks(fields), "host.asks_done");
    this.update();
  }

  /** @param {Stream} item */
  add(item) {
    return this.runner.run(this.model.stream, commands.add(item), "host.added");
  }

  /** @param {Stream} item */
  remove(item) {
    const before = this.model.wall.items;
    const undo = () => this.runner.run(this.model.stream, commands.add(item, before.indexOf(item)), "host.undone");
    return this.runner.run(this.model.stream, commands.remove(item), "host.removed", { undo });
  }

  /** Adds a room of the server's, or a new one. */
  async chooseRoom() {
    const { texts, model } = this;
    const { ok, error } = await this.runner.call({ method: "GET", path: "/api/rooms?limit=100" });
    if (error || !ok) {
      this.tools.notice.show(errorText(error || { code: "internal" }, texts), { wrong: true });
      return;
    }
    const rooms = ok.items.filter((/** @type {{name: string}} */ { name }) => !model.wall.items.includes(`rooms/${name}`));
    const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
    const title = h("input", { name: "title", maxlength: "200", dir: "auto", autocomplete: "off", required: true });
    const form = h("form", { class: "make" }, h("label", { class: "field" }, texts.say("host.new_room"), title), wrong,
      h("p", { class: "acts" }, h("button", { class: "primary" }, texts.say("host.make_room"))));
    const list = h("ul", { class: "rooms" }, rooms.map((/** @type {{name: string, title: string}} */ room) =>
      h("li", {}, h("button", { type: "button", class: "second", dir: "auto", onclick: () => { dialog.close(); this.add(`rooms/${room.name}`); } }, room.title))));
    const dialog = openDialog({ title: texts.say("host.add_room"), parts: [rooms.length ? list : null, form], dismiss: texts.say("host.cancel") });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const made = await this.runner.call({ method: "POST", path: "/api/rooms", body: { name: roomName(title.value), title: title.value.trim() } });
      if (made.ok) {
        dialog.close();
        this.add(`rooms/${made.ok.name}`);
        return;
      }
      setText(wrong, errorText(made.error || { code: "internal" }, texts));
      wrong.hidden = false;
    });
  }
}

/**
 * Returns a name for the address of a new room: the letters of its title, and some that nobody else has.
 * @param {string} title
 */
export function roomName(title) {
  const plain = title.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return `${plain || "room"}-${Math.random().toString(36).slice(2, 6)}`;
}
