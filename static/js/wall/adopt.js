// Parts of other pages of the server, shown on this one.

import { dataBlock } from "../ui/dom.js";

/** @import { Environment } from "../net/environment.js" */

/** @typedef {{page: Document, data: any, texts: any}} Fetched */

/**
 * Fetches a page with its data and its texts. Nothing in it runs. Resolves with null when it could not be loaded.
 * @param {Environment} env
 * @param {string} address
 * @returns {Promise<Fetched | null>}
 */
export async function fetchPage(env, address) {
  try {
    const response = await env.fetch(address, { headers: { Accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
    if (!response.ok) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return { page, data: dataBlock("page", page), texts: dataBlock("texts", page) };
  } catch {
    return null;
  }
}

/**
 * Adds a style sheet of another page to this one. Resolves when it holds.
 * @param {HTMLLinkElement} link
 * @returns {Promise<void>}
 */
export function adoptStyles(link) {
  const href = link.getAttribute("href");
  if (!href || document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  const copy = document.createElement("link");
  copy.rel = "stylesheet";
  copy.href = href;
  return new Promise((resolve) => {
    copy.onload = () => resolve();
    copy.onerror = () => resolve();
    document.head.append(copy);
  });
}
