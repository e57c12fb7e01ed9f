// The calls of private messages.

import { Calls } from "../net/calls.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Message } from "../room/messages.js" */
/** @import { Unsent } from "../room/outbox.js" */

export class InboxCalls extends Calls {
  /** @param {Environment} env */
  constructor(env) {
    super("/api", env);
  }

  /**
   * Writes a message to a person of a room. Resolves with null when nobody answered.
   * @param {string} room
   * @param {string} person
   * @param {Unsent} entry
   */
  write(room, person, { id, text }) {
    return this.call("POST", `/rooms/${room}/people/${person}/messages`, { text, id });
  }

  /**
   * Notes what was read, or whom the reader blocks.
   * @param {string} conversation
   * @param {{read?: number, blocked?: boolean}} fields
   */
  edit(conversation, fields) {
    return this.change("PUT", `/inbox/${conversation}`, fields);
  }

  /**
   * Returns the messages of a range, or null if they could not be loaded.
   * @param {string} conversation
   * @param {{first: number, last: number}} range
   * @returns {Promise<Message[] | null>}
   */
  async history(conversation, { first, last }) {
    const query = `before=${last + 1}&limit=${last - first + 1}`;
    const answer = await this.call("GET", `/inbox/${conversation}/messages?${query}`);
    return answer && answer.ok ? answer.ok.items : null;
  }

  /**
   * Returns the title of a room, or its name where the reader may not read it.
   * @param {string} room
   * @returns {Promise<string>}
   */
  async titleOf(room) {
    const answer = await this.call("GET", `/rooms/${room}`);
    return answer && answer.ok ? answer.ok.title : room;
  }
}
