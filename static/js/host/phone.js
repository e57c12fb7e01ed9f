// The QR code that signs a phone in: asked for when it is wanted, shown here and kept nowhere.

import { h } from "../ui/dom.js";
import { openDialog } from "../ui/dialog.js";

/** `address` makes a link and answers it as a page. Resolves with the dialog, or with null where it was refused. */
export async function openPhone(address, { texts, env }) {
  let answer;
  try {
    answer = await env.fetch(address, { method: "POST", cache: "no-store", credentials: "same-origin" });
  } catch {
    return null;
  }
  if (!answer.ok) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.querySelector("#phone");
  if (!found) return null;
  return openDialog({
    title: texts.say("phone.title"),
    parts: [h("div", { class: "phone" }, ...[...found.childNodes].map((node) => document.importNode(node, true)))],
    dismiss: texts.say("host.dismiss"),
  });
}
