// The calls about the questions of a wall. They go over the page's WebSocket where there is one, and over HTTP otherwise and
// when the socket falls silent.

import { Calls, isTransient } from "../net/calls.js";

/** @import { Answer } from "../net/calls.js" */
/** @import { Environment } from "../net/environment.js" */
/** @import { LiveStreams } from "../net/streams.js" */
/** @import { Unsent } from "../room/outbox.js" */

export class QuestionCalls extends Calls {
  /** @param {{wall: string, live: LiveStreams, env: Environment}} options */
  constructor({ wall, live, env }) {
    super(`/api/walls/${wall}/questions`, env);
    this.wall = wall;
    this.live = live;
  }

  /**
   * @param {Unsent} entry
   * @returns {Promise<Answer | null>}
   */
  ask({ id, text, anonymous = false }) {
    const question = { text, id, anonymous };
    return this.first({ do: "ask", wall: this.wall, ...question }, () => this.call("POST", "", question));
  }

  /**
   * @param {number} n
   * @param {boolean} up
   * @returns {Promise<Answer | null>}
   */
  vote(n, up) {
    const path = `/${n}/vote`;
    if (!up) return this.call("DELETE", path);
    return this.first({ do: "upvote", wall: this.wall, n }, () => this.call("PUT", path));
  }

  /**
   * Asks over the socket, and over HTTP where that gave no answer: only one over HTTP says for how long to wait.
   * @param {object} message
   * @param {() => Promise<Answer | null>} call
   * @returns {Promise<Answer | null>}
   */
  async first(message, call) {
    const reply = await this.live.request(message);
    if (reply && reply.ok) return { ok: reply.ok };
    if (reply && reply.error && !isTransient(reply.error)) return { error: reply.error };
    return call();
  }

  /** Returns the questions that the reader votes for, or null if they could not be loaded. @returns {Promise<number[] | null>} */
  async voted() {
    const answer = await this.call("GET", "");
    return answer && answer.ok ? answer.ok.voted : null;
  }
}
