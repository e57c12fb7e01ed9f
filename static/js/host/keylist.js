// The list of keys under `?`.

import { h } from "../ui/dom.js";
import { KEYS } from "./keys.js";
import { openDialog } from "../ui/dialog.js";

export function openKeys(texts) {
  const cap = (name) => h("kbd", {}, name.startsWith("host.") ? texts.say(name) : name);
  const rows = KEYS.map(({ act, caps }) =>
    h("div", {}, h("dt", {}, caps.map((name, place) => [place ? " " : "", cap(name)]).flat()), h("dd", {}, texts.say(`host.key.${act}`))));
  return openDialog({ title: texts.say("host.keys_title"), parts: [h("dl", { class: "keys" }, rows)], dismiss: texts.say("host.dismiss") });
}
