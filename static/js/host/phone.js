// The QR code that signs a phone in: asked for when it is wanted, shown in a dialog and kept nowhere.

import { openDialog } from "../ui/dialog.js";
import { h } from "../ui/dom.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Texts } from "../ui/texts.js" */

/**
 * Resolves with the dialog, or with null if the server refused or was not reached.
 * @param {string} address makes a link and answers with it as a page
 * @param {{texts: Texts, env: Environment}} tools
 */
export async function openPhone(address, { texts, env }) {
  let response;
  try {
    response = await env.fetch(address, { method: "POST", cache: "no-store", credentials: "same-origin" });
  } catch {
    return null;
  }
  if (!response.ok) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const content = page.querySelector("#phone");
  if (!content) return null;
  return openDialog({
    title: texts.say("phone.title"),
    parts: [h("div", { class: "phone" }, [...content.childNodes].map((node) => document.importNode(node, true)))],
    dismiss: texts.say("host.dismiss"),
  });
}
