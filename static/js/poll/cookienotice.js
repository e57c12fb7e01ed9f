// A notice for browsers that keep no cookies, as some inside other apps do: a ballot cannot be kept there, so the notice
// offers the address to open in another browser.

import { find } from "../ui/dom.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Ballot } from "./ballot.js" */

export class CookieNotice {
  /**
   * @param {HTMLElement} element
   * @param {{env: Environment}} tools
   */
  constructor(element, { env }) {
    this.element = element;
    /** @type {HTMLInputElement} */
    const field = find("input", element);
    /** @type {HTMLAnchorElement} */
    const link = find("a", element);
    field.value = link.href = env.address();
    field.addEventListener("focus", () => field.select());
    this.missing = !env.keepsCookies();
  }

  /**
   * What the server says about a ballot counts more than the page's own test.
   * @param {Ballot | null} ballot
   */
  update(ballot) {
    if (ballot && ballot.error && ballot.error.code === "no_voter") this.missing = true;
    else if (ballot && ballot.stored.receipt) this.missing = false;
    this.element.hidden = !this.missing;
  }
}
