// Elements without markup: text goes in through textContent, so no label can become an element.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
  return element;
}

export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Sets text only when it changed, so that a selection or a screen reader is not disturbed. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The same of an attribute: one that stays the same is not a change. */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** Where the focus went when what had it was replaced, hidden or disabled: nowhere. Then `next()` gets it. */
export function keepFocus(held, next) {
  if (!held || held === document.body) return;
  const lost = !held.isConnected || held.disabled || held.closest("[hidden]");
  const heir = lost && (document.activeElement === held || document.activeElement === document.body) ? next() : null;
  if (!heir) return;
  heir.tabIndex = -1;
  heir.focus({ preventScroll: true });
}

export function dataBlock(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}
