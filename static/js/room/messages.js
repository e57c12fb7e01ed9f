// The messages of a room that the page holds, by number. Numbers have no holes, so it is known which ones are missing.

/**
 * A message as docs/contract.md describes it; what is left of one that was withdrawn has `withdrawn`.
 * @typedef {object} Message
 * @property {number} n
 * @property {string} at
 * @property {"author" | "host"} [withdrawn]
 * @property {string} [id]
 * @property {string} [from]
 * @property {string} [name]
 * @property {string} [role]
 * @property {string} [text]
 * @property {string} [edited_at]
 * @property {number} [reply_to]
 */

const MAX_HELD = 2_000;
const KEY = "message/";

/**
 * Returns the newer version of a message. What was withdrawn stays so, and each change is later than the one before;
 * so it does not matter whether an event or an answer with old messages arrives first.
 * @param {Message | undefined} held
 * @param {Message} given
 */
export function newerVersion(held, given) {
  if (!held || given.withdrawn) return given;
  if (held.withdrawn) return held;
  return (given.edited_at || "") < (held.edited_at || "") ? held : given;
}

/**
 * Whether two versions with one number are of different messages: the room was deleted, and there is another one.
 * @param {Message} a
 * @param {Message} b
 */
function areStrangers(a, b) {
  return !a.withdrawn && !b.withdrawn && a.at !== b.at;
}

export class Messages {
  constructor() {
    /** @type {Map<number, Message>} */
    this.held = new Map();
    /** The number of the newest message. */
    this.count = 0;
    /** @type {Map<number, Message>} */
    this.taken = new Map();
  }

  /**
   * Takes the values of the room's stream. Returns whether it is another room than before.
   * @param {Readonly<Record<string, any>>} values
   */
  takeValues(values) {
    /** @type {Message[]} */
    const changed = [];
    for (const [key, message] of Object.entries(values)) {
      if (!key.startsWith(KEY) || this.taken.get(message.n) === message) continue;
      this.taken.set(message.n, message);
      changed.push(message);
    }
    const isAnother = changed.some((message) => {
      const held = this.held.get(message.n);
      return held !== undefined && areStrangers(held, message);
    });
    if (isAnother) {
      this.held.clear();
      this.count = 0;
    }
    this.add(changed);
    return isAnother;
  }

  /** Forgets everything, as when the reader may no longer read the room. */
  clear() {
    this.held.clear();
    this.taken.clear();
    this.count = 0;
  }

  /** @param {Message[]} messages */
  add(messages) {
    for (const message of messages) {
      this.held.set(message.n, newerVersion(this.held.get(message.n), message));
      this.count = Math.max(this.count, message.n);
    }
  }

  /** @param {number} number */
  get(number) {
    return this.held.get(number);
  }

  /**
   * Returns the last part of a range that is not held, at most `limit` long, or null if all of it is.
   * @param {number} first
   * @param {number} last
   */
  missing(first, last, limit = 200) {
    let end = last;
    while (end >= first && this.held.has(end)) end -= 1;
    if (end < first) return null;
    let begin = end;
    while (begin > first && end - begin + 1 < limit && !this.held.has(begin - 1)) begin -= 1;
    return { first: begin, last: end };
  }

  /**
   * Forgets the messages furthest from those in view, where there are too many.
   * @param {number} first
   * @param {number} last
   */
  evict(first, last) {
    if (this.held.size <= MAX_HELD) return;
    const middle = (first + last) / 2;
    const numbers = [...this.held.keys()].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    for (const number of numbers.slice(MAX_HELD / 2)) {
      this.held.delete(number);
      this.taken.delete(number);
    }
  }
}
