// Beside the log of a host that is empty: that each host has a log of its own, and links to those of others.

import { h } from "../ui/dom.js";
import { unitOf, failedFirst } from "./hosts.js";

/** @import { Texts } from "../ui/texts.js" */
/** @import { HostStep } from "./hosts.js" */

const MOST_LINKS = 12;

/**
 * Returns the hosts whose logs are worth a link: those that have begun, other than the one that is shown.
 * @param {HostStep} step
 * @param {string | null} shown
 */
export function othersWithLogs({ targets }, shown) {
  return failedFirst(targets.filter(({ host, started_at }) => started_at && host !== shown)).slice(0, MOST_LINKS).map(({ host }) => host);
}

export class HostLogs {
  /**
   * @param {HTMLElement} element
   * @param {{texts: Texts}} tools
   */
  constructor(element, { texts }) {
    this.element = element;
    this.texts = texts;
    this.shown = "";
  }

  /**
   * @param {HostStep | null} step
   * @param {string | null} host
   */
  update(step, host) {
    this.element.hidden = !step;
    const hosts = step ? othersWithLogs(step, host) : [];
    const shown = [step ? step.name : "", ...hosts].join(" ");
    if (!step || shown === this.shown) return;
    this.shown = shown;
    this.element.replaceChildren(this.texts.say("hosts.own_logs"), ...hosts.flatMap((each) => [" ",
      h("a", { href: `#${new URLSearchParams({ step: unitOf(step.name, each) })}` }, each)]));
  }
}
