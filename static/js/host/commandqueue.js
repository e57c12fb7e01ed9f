// Does what a host asks, one act at a time, each for the version that the host saw. Where somebody else was first,
// nothing is done, and the answer says what changed.

import { changes, holds } from "./changes.js";
import { Shelf } from "./versioncache.js";

export const UNREACHED = Object.freeze({ code: "unreached" });

export class Remote {
  /**
   * `shown(name)` is the poll or wall as the page shows it; `changed()` is called whenever an act begins or ends.
   */
  constructor({ env, shown, changed }) {
    this.env = env;
    this.shown = shown;
    this.changed = changed;
    this.waiting = 0;
    this.last = Promise.resolve();
    this.shelf = new Shelf((name) => this.look(name));
  }

  /** One call: {ok, etag} or {error}. */
  async call({ method, path, body }, etag = null) {
    const headers = { Accept: "application/json", ...(method === "GET" ? {} : { "Content-Type": "application/json" }) };
    if (etag) headers["If-Match"] = etag;
    try {
      const response = await this.env.fetch(path, {
        method, headers, cache: "no-store", credentials: "same-origin", ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
      });
      const answer = await response.json();
      return response.ok ? { ok: answer, etag: response.headers.get("ETag") } : { error: answer.error };
    } catch {
      return { error: UNREACHED };
    }
  }

  async look(name) {
    const { ok, etag, error } = await this.call({ method: "GET", path: `/api/${name}` });
    if (ok) return { value: ok, etag };
    if (error.code === "no_such_poll" || error.code === "not_found") return null;
    throw Object.assign(new Error(error.code), { told: error });
  }

  /**
   * Does `make(value)` to a poll or wall; `base` is what it was made for where that is not what is shown now. Resolves
   * with {ok: value | null} (null: nothing was to be done), with {error}, or with
   * {conflict: {fresh, changed, possible}}: what there is now, what somebody changed, whether it could be done to that.
   */
  async act(name, make, base = null) {
    return this.alone(async () => this.attempt(name, make, base || (await this.shelf.stand(name, this.shown(name)))));
  }

  /** A call that stands on no version. */
  async plain(call) {
    return this.alone(() => this.call(call));
  }

  get busy() {
    return this.waiting > 0;
  }

  /** After the acts before it, so that each stands on what they left. */
  async alone(work) {
    const before = this.last;
    let over;
    this.last = new Promise((resolve) => { over = resolve; });
    this.waiting += 1;
    this.changed();
    await before;
    try {
      return await work();
    } catch (error) {
      return { error: error.told || UNREACHED };
    } finally {
      this.waiting -= 1;
      over();
      this.changed();
    }
  }

  async attempt(name, make, base, again = true) {
    const act = make(base.value);
    let held = base;
    for (const call of act ? act.calls : []) {
      const { ok, etag, error } = await this.call(call, held.etag);
      if (error) return this.refused({ name, make, act, error, again, base: held });
      held = { value: ok, etag };
      this.shelf.put(name, ok, etag);
    }
    return { ok: act ? held.value : null };
  }

  async refused({ name, make, act, error, again, base }) {
    if (error.code !== "conflict") return { error };
    const fresh = await this.shelf.fresh(name);
    if (!fresh) return { error: { code: "gone" } };
    if (fresh.etag === base.etag) return { error }; // a rule, not another host
    if (holds(act.wants, fresh.value)) return { ok: fresh.value };
    const changed = changes(base.value, fresh.value, act.wants);
    // Only what no page shows has changed: nothing to ask about.
    if (!changed.length && again) return this.attempt(name, make, fresh, false);
    return { conflict: { fresh, changed, possible: make(fresh.value) !== null } };
  }
}
