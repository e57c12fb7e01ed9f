// Tasks that ended long ago and that the stream no longer has, fetched a page at a time for one filter.

/** @import { Environment } from "../net/environment.js" */
/** @import { Task } from "../net/wire.d.ts" */
/** @import { Filter } from "./groups.js" */

/** So many pages are fetched in one go while they bring nothing that is not listed already. */
const MAX_PAGES = 6;

export class TaskHistory {
  /** @param {Environment} env */
  constructor(env) {
    this.env = env;
    /** @type {Map<string, Task>} */
    this.tasks = new Map();
    /** @type {string | null | undefined} where the next page begins; undefined before the first, null after the last */
    this.next = undefined;
    this.generation = 0;
  }

  /** Forgets everything, for another filter. */
  clear() {
    this.tasks = new Map();
    this.next = undefined;
    this.generation += 1;
  }

  /**
   * Fetches pages until one brings a task that is not listed. Resolves with the number of new tasks, or with null when
   * the filter changed meanwhile.
   * @param {Filter} filter
   * @param {Set<string>} listed
   */
  async fetch({ state = "", q = "" }, listed) {
    const { generation } = this;
    for (let page = 0; page < MAX_PAGES && this.next !== null; page += 1) {
      const query = new URLSearchParams({ limit: "50", state, q, ...(this.next ? { before: this.next } : {}) });
      const response = await this.env.fetch(`/api/tasks?${query}`, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(`${response.status}`);
      /** @type {{items: Task[], next: string | null}} */
      const { items, next } = await response.json();
      if (generation !== this.generation) return null;
      this.next = next;
      const fresh = items.filter((task) => !listed.has(task.id) && !this.tasks.has(task.id));
      for (const task of items) this.tasks.set(task.id, task);
      if (fresh.length) return fresh.length;
    }
    return 0;
  }
}
