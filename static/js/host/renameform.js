// The form in which a wall gets another title.

import { openDialog } from "../ui/dialog.js";
import { h } from "../ui/dom.js";

/** @import { Texts } from "../ui/texts.js" */

/**
 * `send` resolves with an `error` where the title was refused; the form then stays open.
 * @param {string} title
 * @param {Texts} texts
 * @param {(title: string) => Promise<{error?: unknown}>} send
 */
export function openRenameForm(title, texts, send) {
  const input = h("input", { name: "title", required: true, maxlength: "500", dir: "auto", autocomplete: "off" });
  input.value = title;
  const form = h("form", { class: "make" }, h("label", { class: "field" }, texts.say("home.wall_title"), input),
    h("p", { class: "acts" }, h("button", { class: "primary" }, texts.say("host.save")),
      h("button", { type: "button", class: "second", onclick: () => dialog.close() }, texts.say("host.cancel"))));
  const dialog = openDialog({ title: texts.say("host.rename"), parts: [form] });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { error } = await send(input.value.trim());
    if (!error) dialog.close();
  });
}
