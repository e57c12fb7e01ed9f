// The calls of a room. What is said goes over the page's WebSocket where there is one, and over HTTP otherwise and when
// the socket falls silent.

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { ApiError } from "../net/wire.d.ts" */
/** @import { Message } from "./messages.js" */
/** @import { Outcome, Unsent } from "./outbox.js" */

/** Errors that only mean "not now". */
const TRANSIENT = new Set(["draining", "unavailable", "rate", "internal", "slow"]);

/** @type {Readonly<ApiError>} */
const UNREACHED = Object.freeze({ code: "unreached" });

/** @typedef {{ok?: any, error?: ApiError, retry?: number}} Answer */

export class RoomCalls {
  /** @param {{room: string, live: LiveStreams, env: Environment}} options */
  constructor({ room, live, env }) {
    this.room = room;
    this.live = live;
    this.env = env;
    this.address = `${env.origin}/api/rooms/${room}`;
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
      if (!TRANSIENT.has(answer.error.code)) return { error: answer.error };
      return { error: answer.error, retry: (Number(response.headers.get("Retry-After")) || 0) * 1000 };
    } catch {
      return null; // no answer, or one from a proxy and not from the server
    }
  }

  /**
   * @param {Unsent} entry
   * @returns {Promise<Outcome | null>}
   */
  async say({ id, text, reply_to }) {
    const message = { text, id, ...(reply_to ? { reply_to } : {}) };
    const reply = await this.live.request({ do: "say", room: this.room, ...message });
    if (reply && reply.ok) return { ok: reply.ok };
    // Only an answer over HTTP says for how long to wait.
    if (reply && reply.error && !TRANSIENT.has(reply.error.code)) return { error: reply.error };
    return this.call("POST", "/messages", message);
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

  /**
   * Returns the messages of a range, or null if they could not be loaded.
   * @param {{first: number, last: number}} range
   * @returns {Promise<Message[] | null>}
   */
  async history({ first, last }) {
    const answer = await this.call("GET", `/messages?before=${last + 1}&limit=${last - first + 1}`);
    return answer && answer.ok ? answer.ok.items : null;
  }

  /**
   * Returns the newest messages with a text, the newest last, or null if the search did not work.
   * @param {string} text
   * @returns {Promise<Message[] | null>}
   */
  async search(text) {
    const answer = await this.call("GET", `/messages?limit=100&q=${encodeURIComponent(text)}`);
    return answer && answer.ok ? answer.ok.items : null;
  }
}
