// Layouts of tasks by their structure: the page's own, and others asked for when steps come or go.

import { structureOf } from "./chartlayout.js";

export class Layouts {
  constructor({ env, redraw }) {
    this.env = env;
    this.redraw = redraw;
    this.held = { stream: null, structure: null, layout: null };
    this.asked = null;
  }

  /** What the server put into the page. */
  know(stream, steps, layout) {
    if (layout) this.held = { stream, structure: structureOf(steps), layout };
  }

  /** The layout of these steps; null until it is there. */
  of(stream, steps) {
    const structure = structureOf(steps);
    if (this.held.stream === stream && this.held.structure === structure) return this.held.layout;
    const asked = `${stream} ${structure}`;
    if (this.asked !== asked) this.fetch(stream, asked);
    return null;
  }

  async fetch(stream, asked) {
    this.asked = asked;
    try {
      const response = await this.env.fetch(`/api/${stream}`, { headers: { Accept: "application/json" } });
      if (!response.ok || this.asked !== asked) return;
      const { steps, layout } = await response.json();
      this.know(stream, steps, layout);
      this.redraw();
    } catch {
      this.env.setTimeout(() => {
        if (this.asked !== asked) return;
        this.asked = null;
        this.redraw();
      }, 3_000);
    }
  }
}
