// Somebody else was first: what changed, and whether one's own is wanted all the same.

import { h } from "../ui/dom.js";
import { sentence } from "./changetext.js";
import { openDialog } from "../ui/dialog.js";

/** `again()` does one's own to what there is now; null where that can no longer be done. `leave()`: it stays so. */
export function openConflict({ changed, again, leave = () => {} }, tools) {
  const { texts } = tools;
  let chosen = leave;
  const choose = (what) => () => {
    chosen = what;
    box.close();
  };
  const box = openDialog({
    title: texts.say("host.conflict"),
    kind: "conflict",
    closed: () => chosen(),
    parts: [
      h("p", {}, texts.say("host.conflict_lead")),
      h("ul", {}, changed.map((each) => h("li", { dir: "auto" }, sentence(each, tools)))),
      h("p", { class: "acts" },
        h("button", { type: "button", class: "second", autofocus: true, onclick: choose(leave) }, texts.say("host.keep")),
        again ? h("button", { type: "button", class: "danger", onclick: choose(again) }, texts.say("host.apply")) : null),
    ],
  });
  return box;
}
