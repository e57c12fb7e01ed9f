// What the browser keeps of a room, or of the questions of a wall: the draft, what was read, and in this tab what was not
// sent yet.

/**
 * @param {() => Storage} storage
 * @param {string} key
 */
function load(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null; // storage is blocked here: nothing is kept
  }
}

/**
 * @param {() => Storage} storage
 * @param {string} key
 * @param {string} value
 */
function save(storage, key, value) {
  try {
    if (value) storage().setItem(key, value);
    else storage().removeItem(key);
  } catch {
    // As above, or it is full: what is kept holds until the page is left.
  }
}

/** @param {string | null} text */
function parsed(text) {
  try {
    return JSON.parse(text || "[]");
  } catch {
    return [];
  }
}

const local = () => localStorage;
const session = () => sessionStorage;

export class RoomStorage {
  /**
   * @param {string} name
   * @param {string} kind
   */
  constructor(name, kind = "room") {
    this.prefix = `livewall.${kind}.${name}`;
  }

  get draft() {
    return load(local, `${this.prefix}.draft`) || "";
  }

  set draft(text) {
    save(local, `${this.prefix}.draft`, text);
  }

  /** The number of the newest message that was read here, or null for one who comes for the first time. */
  get seen() {
    const number = Number(load(local, `${this.prefix}.seen`));
    return number > 0 ? number : null;
  }

  set seen(number) {
    save(local, `${this.prefix}.seen`, String(number || ""));
  }

  /** @returns {unknown} */
  loadUnsent() {
    return parsed(load(session, `${this.prefix}.unsent`));
  }

  /** @param {object[]} entries */
  saveUnsent(entries) {
    save(session, `${this.prefix}.unsent`, entries.length ? JSON.stringify(entries) : "");
  }
}

/** A question that its author waits for. @typedef {{n: number, text: string, at: number}} Waiting */

const MOST_WAITING = 20;

export class QuestionStorage extends RoomStorage {
  /** @param {string} wall */
  constructor(wall) {
    super(wall, "questions");
  }

  /** One's own questions at which a host has not looked yet: nobody else is told of them. @returns {Waiting[]} */
  get waiting() {
    const kept = parsed(load(local, `${this.prefix}.waiting`));
    return Array.isArray(kept) ? kept.filter((each) => each && typeof each.text === "string") : [];
  }

  set waiting(questions) {
    save(local, `${this.prefix}.waiting`, questions.length ? JSON.stringify(questions.slice(-MOST_WAITING)) : "");
  }
}
