// Calls of the API for what a page does besides voting. A call has an answer, an error, or nothing: then nobody answered.

/** @import { Environment } from "./environment.js" */
/** @import { ApiError } from "./wire.d.ts" */

/** Errors that only mean "not now". */
const TRANSIENT = new Set(["draining", "unavailable", "rate", "internal", "slow"]);

/** @type {Readonly<ApiError>} */
const UNREACHED = Object.freeze({ code: "unreached" });

/** `retry` is the milliseconds after which the server takes it. @typedef {{ok?: any, error?: ApiError, retry?: number}} Answer */

/** @param {ApiError} error */
export function isTransient(error) {
  return TRANSIENT.has(error.code);
}

export class Calls {
  /**
   * @param {string} path of what the calls are about, such as "/api/rooms/ops"
   * @param {Environment} env
   */
  constructor(path, env) {
    this.env = env;
    this.address = env.origin + path;
  }

  /**
   * Resolves with null when nobody answered.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<Answer | null>}
   */
  async call(method, path, body) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}) };
    try {
      const response = await this.env.fetch(this.address + path, {
        method, headers, cache: "no-store", credentials: "same-origin", ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const answer = await response.json();
      if (response.ok) return { ok: answer };
      if (!answer.error) return null;
      if (!isTransient(answer.error)) return { error: answer.error };
      return { error: answer.error, retry: (Number(response.headers.get("Retry-After")) || 0) * 1000 };
    } catch {
      return null; // no answer, or one from a proxy and not from the server
    }
  }

  /**
   * Makes a call of which somebody wants to know the outcome at once.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<{ok?: any, error?: ApiError}>}
   */
  async change(method, path, body = {}) {
    return (await this.call(method, path, body)) || { error: UNREACHED };
  }
}
