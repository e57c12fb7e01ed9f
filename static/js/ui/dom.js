// Makes elements without markup: text is set through textContent, so no label can become an element.

/** @typedef {Record<string, any> | null} Attributes null, undefined and false leave an attribute out */
/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Child | Child[]} Children */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {Element} T
 * @param {T} element
 * @param {Attributes} attributes
 * @param {Children[]} children
 * @returns {T}
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(typeof child === "number" ? String(child) : child);
  }
  return element;
}

/**
 * Makes an HTML element. An attribute such as `onclick` is a listener.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Children} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = null, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * Makes an SVG element.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Children} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes = null, ...children) {
  return fill(/** @type {SVGElementTagNameMap[K]} */ (document.createElementNS(SVG, tag)), attributes, children);
}

/**
 * Returns the first element of a page that its template always has. Throws if it is missing.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} root
 * @returns {T}
 */
export function find(selector, root = document) {
  const element = root.querySelector(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return /** @type {T} */ (element);
}

/**
 * Sets a text only when it changes: setting it again would end a selection and make a screen reader start anew.
 * @param {Element} element
 * @param {string | number} text
 */
export function setText(element, text) {
  if (element.textContent !== String(text)) element.textContent = String(text);
}

/**
 * Sets an attribute only when it changes.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean} value
 */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/**
 * Moves the focus to `fallback()` if it was on `previous` and got lost because that element was replaced, hidden or
 * disabled. A browser would otherwise start again at the top of the page.
 * @param {Element | null} previous
 * @param {() => HTMLElement | null} fallback
 */
export function keepFocus(previous, fallback) {
  if (!previous || previous === document.body) return;
  const lost = !previous.isConnected || ("disabled" in previous && previous.disabled) || previous.closest("[hidden]");
  const focusIsFree = document.activeElement === previous || document.activeElement === document.body;
  const next = lost && focusIsFree ? fallback() : null;
  if (!next) return;
  next.tabIndex = -1;
  next.focus({ preventScroll: true });
}

/**
 * Returns the data that the server put into the page under this id, or null.
 * @param {string} id
 * @param {Document} page
 */
export function dataBlock(id, page = document) {
  const element = page.getElementById(id);
  return element ? JSON.parse(element.textContent || "null") : null;
}
