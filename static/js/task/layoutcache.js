// The layouts of tasks by their structure: the one in the page, and others fetched when steps come or go.

import { structureKey } from "./chartlayout.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Layout, Step, Stream } from "../net/wire.d.ts" */

const RETRY = 3_000;

/** @typedef {Pick<Step, "name" | "needs">[]} Structure */

export class LayoutCache {
  /** @param {{env: Environment, redraw: () => void}} options */
  constructor({ env, redraw }) {
    this.env = env;
    this.redraw = redraw;
    /** @type {{key: string, layout: Layout} | null} */
    this.held = null;
    /** @type {string | null} the structure that was asked for last */
    this.asked = null;
  }

  /**
   * @param {Stream} stream
   * @param {Structure} steps
   * @param {Layout | null | undefined} layout
   */
  set(stream, steps, layout) {
    if (layout) this.held = { key: keyOf(stream, steps), layout };
  }

  /**
   * Returns the layout of these steps, or null until it has arrived.
   * @param {Stream} stream
   * @param {Structure} steps
   */
  get(stream, steps) {
    const key = keyOf(stream, steps);
    if (this.held && this.held.key === key) return this.held.layout;
    if (this.asked !== key) this.fetch(stream, key);
    return null;
  }

  /**
   * @param {Stream} stream
   * @param {string} key
   */
  async fetch(stream, key) {
    this.asked = key;
    try {
      const response = await this.env.fetch(`/api/${stream}`, { headers: { Accept: "application/json" } });
      if (!response.ok || this.asked !== key) return;
      const { steps, layout } = await response.json();
      this.set(stream, steps, layout);
      this.redraw();
    } catch {
      this.env.setTimeout(() => {
        if (this.asked !== key) return;
        this.asked = null;
        this.redraw();
      }, RETRY);
    }
  }
}

/**
 * @param {Stream} stream
 * @param {Structure} steps
 */
function keyOf(stream, steps) {
  return `${stream} ${structureKey(steps)}`;
}
