// The list of keys under `?`.

import { openDialog } from "../ui/dialog.js";
import { h } from "../ui/dom.js";
import { KEYS } from "./keys.js";

/** @import { Texts } from "../ui/texts.js" */

/** @param {Texts} texts */
export function openKeyList(texts) {
  const cap = (/** @type {string} */ name) => h("kbd", {}, name.startsWith("host.") ? texts.say(name) : name);
  const rows = KEYS.map(({ action, caps }) =>
    h("div", {}, h("dt", {}, caps.flatMap((name, place) => [place ? " " : "", cap(name)])), h("dd", {}, texts.say(`host.key.${action}`))));
  return openDialog({ title: texts.say("host.keys_title"), parts: [h("dl", { class: "keys" }, rows)], dismiss: texts.say("host.dismiss") });
}
