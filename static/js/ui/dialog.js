// A dialog over the page: Esc closes it, and the focus goes back to where it was.

import { h } from "./dom.js";

let counter = 0;

/** Opens one with these parts under its title; returns {element, close}. `closed()` is called once it is gone. */
export function openDialog({ title, parts, dismiss, kind = "", closed = () => {} }) {
  counter += 1;
  const id = `dialog-${counter}`;
  const held = document.activeElement;
  const close = () => element.close();
  const element = h("dialog", { class: `sheet ${kind}`.trim(), "aria-labelledby": id },
    h("h2", { id, tabindex: "-1" }, title),
    parts,
    dismiss ? h("p", { class: "leave" }, h("button", { type: "button", class: "second", onclick: close }, dismiss)) : null);
  element.addEventListener("close", () => {
    element.remove();
    if (held && held.isConnected && document.activeElement === document.body) held.focus({ preventScroll: true });
    closed();
  });
  document.body.append(element);
  element.showModal();
  return { element, close };
}

/** Asks before something is lost. `meant()` is called where it was meant. */
export function confirm({ title, text, yes, no }, meant) {
  const box = openDialog({
    title,
    parts: [
      h("p", {}, text),
      h("p", { class: "acts" },
        h("button", { type: "button", class: "danger", onclick: () => { box.close(); meant(); } }, yes),
        h("button", { type: "button", class: "second", onclick: () => box.close() }, no)),
    ],
  });
  return box;
}
