// Asks a host whose command came second: says what somebody else changed, and offers to run the command all the same.

import { h } from "../ui/dom.js";
import { openDialog } from "../ui/dialog.js";
import { changeText } from "./changetext.js";

/** @import { Change } from "./changes.js" */
/** @import { Tools } from "./changetext.js" */

/**
 * @param {object} options
 * @param {Change[]} options.changed
 * @param {(() => void) | null} options.again runs the command on the current version; null if that is not possible
 * @param {() => void} options.keep leaves everything as it is now
 * @param {Tools} tools
 */
export function openConflict({ changed, again, keep }, tools) {
  const { texts } = tools;
  let chosen = keep;
  const choose = (/** @type {() => void} */ action) => () => {
    chosen = action;
    dialog.close();
  };
  const dialog = openDialog({
    title: texts.say("host.conflict"),
    kind: "conflict",
    onClose: () => chosen(),
    parts: [
      h("p", {}, texts.say("host.conflict_lead")),
      h("ul", {}, changed.map((each) => h("li", { dir: "auto" }, changeText(each, tools)))),
      h("p", { class: "acts" },
        h("button", { type: "button", class: "second", autofocus: true, onclick: choose(keep) }, texts.say("host.keep")),
        again ? h("button", { type: "button", class: "danger", onclick: choose(again) }, texts.say("host.apply")) : null),
    ],
  });
  return dialog;
}
