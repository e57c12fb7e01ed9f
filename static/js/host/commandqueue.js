// Runs the commands of a host, one after the other, each for the version that the host saw. Where somebody else was
// first, nothing is done, and the outcome says what has changed.

import { changesBetween, isFulfilled } from "./changes.js";
import { VersionCache } from "./versioncache.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Change, Fields } from "./changes.js" */
/** @import { Call, Command, Plan } from "./commands.js" */
/** @import { Version } from "./versioncache.js" */

/** @type {Readonly<ApiError>} */
export const UNREACHABLE = Object.freeze({ code: "unreached" });

/**
 * @typedef {object} Conflict
 * @property {Version} fresh the current version
 * @property {Change[]} changed
 * @property {boolean} possible whether the command can be done to it
 */

/**
 * `ok` is null if there was nothing to do.
 * @typedef {{ok?: Fields | null, error?: ApiError, conflict?: Conflict}} CommandOutcome
 */

/** @typedef {{ok?: Fields, etag?: string | null, error?: ApiError}} CallOutcome */

/** @typedef {{name: string, command: Command, plan: Plan, error: ApiError, base: Version, mayRepeat: boolean}} Refusal */

export class CommandQueue {
  /**
   * @param {object} options
   * @param {Environment} options.env
   * @param {(name: string) => Fields} options.shown returns a poll or wall as the page shows it
   * @param {() => void} options.onChange is called whenever a command begins or ends
   */
  constructor({ env, shown, onChange }) {
    this.env = env;
    this.shown = shown;
    this.changed = onChange;
    this.waiting = 0;
    /** @type {Promise<void>} */
    this.last = Promise.resolve();
    this.versions = new VersionCache((name) => this.read(name));
  }

  /**
   * @param {Call} call
   * @param {string | null} etag
   * @returns {Promise<CallOutcome>}
   */
  async call({ method, path, body }, etag = null) {
    const hasBody = method !== "GET";
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...(hasBody ? { "Content-Type": "application/json" } : {}) };
    if (etag) headers["If-Match"] = etag;
    try {
      const response = await this.env.fetch(path, {
        method, headers, cache: "no-store", credentials: "same-origin", ...(hasBody ? { body: JSON.stringify(body) } : {}),
      });
      const answer = await response.json();
      return response.ok ? { ok: answer, etag: response.headers.get("ETag") } : { error: answer.error };
    } catch {
      return { error: UNREACHABLE };
    }
  }

  /**
   * @param {string} name
   * @returns {Promise<Version | null>}
   */
  async read(name) {
    const { ok, etag, error } = await this.call({ method: "GET", path: `/api/${name}` });
    if (ok) return { value: ok, etag: etag || "" };
    const { code = "" } = error || {};
    if (code === "no_such_poll" || code === "not_found") return null;
    throw Object.assign(new Error(code), { apiError: error });
  }

  /**
   * Runs a command on a poll or wall. `base` is the version it is meant for, where that is not the one shown now.
   * @param {string} name
   * @param {Command} command
   * @param {Version | null} base
   * @returns {Promise<CommandOutcome>}
   */
  async run(name, command, base = null) {
    return this.enqueue(async () => this.attempt(name, command, base || (await this.versions.versionOf(name, this.shown(name)))));
  }

  /**
   * Makes a call that depends on no version.
   * @param {Call} call
   * @returns {Promise<CallOutcome>}
   */
  async runCall(call) {
    return this.enqueue(() => this.call(call));
  }

  get busy() {
    return this.waiting > 0;
  }

  /**
   * Does some work after the commands before it, so that each is made for the version which they left.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T | {error: ApiError}>}
   */
  async enqueue(work) {
    const before = this.last;
    let done = () => {};
    this.last = new Promise((resolve) => { done = resolve; });
    this.waiting += 1;
    this.changed();
    await before;
    try {
      return await work();
    } catch (error) {
      const apiError = error instanceof Error && "apiError" in error ? /** @type {ApiError} */ (error.apiError) : null;
      return { error: apiError || UNREACHABLE };
    } finally {
      this.waiting -= 1;
      done();
      this.changed();
    }
  }

  /**
   * @param {string} name
   * @param {Command} command
   * @param {Version} base
   * @param {boolean} mayRepeat
   * @returns {Promise<CommandOutcome>}
   */
  async attempt(name, command, base, mayRepeat = true) {
    const plan = command(base.value);
    if (!plan) return { ok: null };
    let version = base;
    for (const call of plan.calls) {
      const { ok, etag, error } = await this.call(call, version.etag);
      if (error || !ok) return this.refused({ name, command, plan, error: error || UNREACHABLE, base: version, mayRepeat });
      version = { value: ok, etag: etag || "" };
      this.versions.put(name, ok, etag);
    }
    return { ok: version.value };
  }

  /**
   * @param {Refusal} refusal
   * @returns {Promise<CommandOutcome>}
   */
  async refused({ name, command, plan, error, base, mayRepeat }) {
    if (error.code !== "conflict") return { error };
    const fresh = await this.versions.refresh(name);
    if (!fresh) return { error: { code: "gone" } };
    if (fresh.etag === base.etag) return { error }; // a rule refused the command, and not a newer version
    if (isFulfilled(plan.wants, fresh.value)) return { ok: fresh.value };
    const changed = changesBetween(base.value, fresh.value, plan.wants);
    // Nothing has changed that the page shows, so there is nothing to ask the host about.
    if (!changed.length && mayRepeat) return this.attempt(name, command, fresh, false);
    return { conflict: { fresh, changed, possible: command(fresh.value) !== null } };
  }
}
