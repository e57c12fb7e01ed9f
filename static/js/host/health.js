// The health of a wall as its host sees it: the screens and the connections of the audience, asked for every few seconds.

import { find, h, setText } from "../ui/dom.js";
import { formatDuration } from "../ui/duration.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { FormatNumber, Texts } from "../ui/texts.js" */

const INTERVAL = 5_000;
const HIDDEN_INTERVAL = 30_000; // of a page that nobody sees
const SILENT_AFTER = 25_000; // two reports of the screen have not come
const OLD_AFTER = 5_000;

/** @typedef {{seen: string, age: number}} ScreenTimes when a screen reported last, and how old its picture was then */
/** @typedef {ScreenTimes & {width: number, height: number, transport: string}} Screen */

/**
 * Returns the condition of a screen, and the age of its picture or for how long it has been silent.
 * @param {ScreenTimes} screen
 * @param {number} now the server's time
 * @returns {{state: "live" | "old" | "silent", age: number}}
 */
export function conditionOf({ seen, age }, now) {
  const silence = Math.max(0, now - Date.parse(seen));
  if (silence >= SILENT_AFTER) return { state: "silent", age: silence };
  return age >= OLD_AFTER ? { state: "old", age } : { state: "live", age };
}

export class HealthPanel {
  /**
   * @param {HTMLElement} element a section with `data-code`, which stays hidden until something is known
   * @param {{texts: Texts, number: FormatNumber, env: Environment}} tools
   */
  constructor(element, { texts, number, env }) {
    this.element = element;
    this.texts = texts;
    this.number = number;
    this.env = env;
    this.heardAt = -Infinity;
    this.address = `${env.origin}/api/walls/${element.dataset.code}/health`;
  }

  /** Asks now, and again and again from then on. */
  async refresh() {
    try {
      const response = await this.env.fetch(this.address, { headers: { Accept: "application/json" } });
      if (response.ok) {
        this.show(await response.json());
        this.heardAt = this.env.now();
        this.tick();
      }
    } catch {
      // What is known stays, and tick() shows its age.
    }
    this.env.setTimeout(() => this.refresh(), this.env.hidden() ? HIDDEN_INTERVAL : INTERVAL);
  }

  /** Shows how old the figures are where the last answer did not come. */
  tick() {
    if (this.element.hidden) return;
    const age = this.env.now() - this.heardAt;
    const isStale = age >= 2 * INTERVAL;
    this.element.classList.toggle("stale", isStale);
    const note = find(".old", this.element);
    note.hidden = !isStale;
    setText(note, isStale ? this.texts.say("live.away_figures", { age: formatDuration(age) }) : "");
  }

  /** @param {{screens: Screen[], audience: Record<string, number>, now: string}} answer */
  show({ screens, audience, now }) {
    const counts = Object.fromEntries(Object.entries(audience).map(([name, count]) => [name, this.number(count)]));
    setText(find(".audience", this.element), this.texts.say("health.audience", counts));
    const rows = screens.map((screen) => this.row(screen, conditionOf(screen, Date.parse(now))));
    find("ul", this.element).replaceChildren(...(rows.length ? rows : [h("li", { class: "quiet" }, this.texts.say("health.none"))]));
    this.element.hidden = false;
  }

  /**
   * @param {Screen} screen
   * @param {ReturnType<typeof conditionOf>} condition
   */
  row({ width, height, transport }, { state, age }) {
    return h("li", { "data-state": state },
      h("i", { "aria-hidden": "true" }),
      h("b", {}, this.texts.say(`health.${state}`, { age: formatDuration(age) })),
      h("span", {}, `${width} × ${height}`),
      h("span", {}, this.texts.say(`health.via.${transport}`)));
  }
}
