// Modal dialogs. Esc closes one, and the focus returns to where it was.

import { h } from "./dom.js";

/** @import { Children } from "./dom.js" */

let counter = 0;

/** @typedef {{element: HTMLDialogElement, close: () => void}} Dialog */

/**
 * Opens a dialog with these parts under its title. `dismiss` is the text of a button that closes it, and `onClose` is
 * called when it is closed in any way.
 * @param {{title: string, parts: Children, dismiss?: string, kind?: string, onClose?: () => void}} options
 * @returns {Dialog}
 */
export function openDialog({ title, parts, dismiss, kind = "", onClose = () => {} }) {
  counter += 1;
  const id = `dialog-${counter}`;
  const previous = document.activeElement;
  const close = () => element.close();
  const element = h("dialog", { class: `sheet ${kind}`.trim(), "aria-labelledby": id },
    h("h2", { id, tabindex: "-1" }, title),
    parts,
    dismiss ? h("p", { class: "leave" }, h("button", { type: "button", class: "second", onclick: close }, dismiss)) : null);
  element.addEventListener("close", () => {
    element.remove();
    // Only where the browser has not returned the focus itself.
    if (previous instanceof HTMLElement && previous.isConnected && document.activeElement === document.body) {
      previous.focus({ preventScroll: true });
    }
    onClose();
  });
  document.body.append(element);
  element.showModal();
  return { element, close };
}

/**
 * Asks before something is lost or begins, and calls `onConfirm` if the answer is yes. The focus is on the other answer:
 * a key that is pressed once too often changes nothing.
 * @param {{title: string, text: string, yes: string, no: string, kind?: "danger" | "primary", onClose?: () => void}} options
 * @param {() => void} onConfirm
 */
export function confirm({ title, text, yes, no, kind = "danger", onClose }, onConfirm) {
  const dialog = openDialog({
    title,
    onClose,
    parts: [
      h("p", {}, text),
      h("p", { class: "acts" },
        h("button", { type: "button", class: kind, onclick: () => { dialog.close(); onConfirm(); } }, yes),
        h("button", { type: "button", class: "second", autofocus: true, onclick: () => dialog.close() }, no)),
    ],
  });
  return dialog;
}
