// What a host sees of a wall's screens and of the audience's connections: asked for every five seconds.

import { clockFace } from "../net/clock.js";
import { h, setText } from "../ui/dom.js";

const EVERY = 5_000;
const HIDDEN = 30_000; // of a page nobody sees
const SILENT = 25_000; // two reports did not come
const OLD = 5_000;

/** {state: "live" | "old" | "silent", age} of a screen, in ms, at the server's time `now`. */
export function conditionOf({ seen, age }, now) {
  const quiet = Math.max(0, now - Date.parse(seen));
  if (quiet >= SILENT) return { state: "silent", age: quiet };
  return age >= OLD ? { state: "old", age } : { state: "live", age };
}

export class Health {
  /** `element` is a section with data-code; it stays hidden until something is known. */
  constructor(element, { texts, number, env }) {
    this.element = element;
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.address = `${env.origin}/api/walls/${element.dataset.code}/health`;
  }

  start() {
    this.ask();
  }

  stop() {
    this.env.clearTimeout(this.timer);
    this.timer = null;
  }

  async ask() {
    try {
      const response = await this.env.fetch(this.address, { headers: { Accept: "application/json" } });
      if (response.ok) {
        this.show(await response.json());
        this.heardAt = this.env.now();
        this.tick();
      }
    } catch {
      // Not reached: what was known stays, and its ages with it.
    }
    this.timer = this.env.setTimeout(() => this.ask(), this.env.hidden() ? HIDDEN : EVERY);
  }

  /** How old this is, where the last answer is not of now: whoever was here then may have left. */
  tick() {
    if (this.element.hidden) return;
    const age = this.env.now() - this.heardAt;
    this.element.classList.toggle("stale", age >= 2 * EVERY);
    const old = this.element.querySelector(".old");
    old.hidden = age < 2 * EVERY;
    setText(old, old.hidden ? "" : this.texts.say("live.away_figures", { age: clockFace(age) }));
  }

  show({ screens, audience, now }) {
    const say = (key, values, count) => this.texts.say(key, values, count);
    const numbers = Object.fromEntries(Object.entries(audience).map(([name, count]) => [name, this.number(count)]));
    setText(this.element.querySelector(".audience"), say("health.audience", numbers));
    const rows = screens.map((screen) => this.row(screen, conditionOf(screen, Date.parse(now))));
    this.element.querySelector("ul").replaceChildren(...(rows.length ? rows : [h("li", { class: "quiet" }, say("health.none"))]));
    this.element.hidden = false;
  }

  row({ width, height, transport }, { state, age }) {
    return h("li", { "data-state": state },
      h("i", { "aria-hidden": "true" }),
      h("b", {}, this.texts.say(`health.${state}`, { age: clockFace(age) })),
      h("span", {}, `${width} × ${height}`),
      h("span", {}, this.texts.say(`health.via.${transport}`)));
  }
}
