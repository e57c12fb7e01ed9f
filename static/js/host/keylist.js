// The list of keys under `?`.

import { openDialog } from "../ui/dialog.js";
import { h } from "../ui/dom.js";
import { KEYS } from "./keys.js";
import { QUEUE_KEYS } from "./queuekeys.js";

/** @import { Texts } from "../ui/texts.js" */

/**
 * @param {Texts} texts
 * @param {boolean} withQueue whether there are questions to decide about
 */
export function openKeyList(texts, withQueue = false) {
  const cap = (/** @type {string} */ name) => h("kbd", {}, name.startsWith("host.") ? texts.say(name) : name);
  /** @type {(bindings: readonly {action: string, caps: string[]}[], textOf: (action: string) => string) => HTMLElement} */
  const list = (bindings, textOf) => h("dl", { class: "keys" }, bindings.map(({ action, caps }) =>
    h("div", {}, h("dt", {}, caps.flatMap((name, place) => [place ? " " : "", cap(name)])), h("dd", {}, textOf(action)))));
  const remote = list(KEYS, (action) => texts.say(`host.key.${action}`));
  const queue = () => [h("h3", {}, texts.say("queue.keys_title")), list(QUEUE_KEYS, (action) => texts.say(`queue.key.${action}`))];
  const parts = [remote, ...(withQueue ? queue() : [])];
  return openDialog({ title: texts.say("host.keys_title"), parts, dismiss: texts.say("host.dismiss") });
}
