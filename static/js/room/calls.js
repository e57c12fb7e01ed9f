// The calls of a room. What is said goes over the page's WebSocket where there is one, and over HTTP otherwise and when
// the socket falls silent.

import { Calls, isTransient } from "../net/calls.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Message } from "./messages.js" */
/** @import { Outcome, Unsent } from "./outbox.js" */

export class RoomCalls extends Calls {
  /** @param {{room: string, live: LiveStreams, env: Environment}} options */
  constructor({ room, live, env }) {
    super(`/api/rooms/${room}`, env);
    this.room = room;
    this.live = live;
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
    if (reply && reply.error && !isTransient(reply.error)) return { error: reply.error };
    return this.call("POST", "/messages", message);
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
