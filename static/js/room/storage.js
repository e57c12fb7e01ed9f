// What the browser keeps of a room: the draft, what was read, and in this tab what was not sent yet.

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

const local = () => localStorage;
const session = () => sessionStorage;

export class RoomStorage {
  /** @param {string} room */
  constructor(room) {
    this.prefix = `livewall.room.${room}`;
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
    try {
      return JSON.parse(load(session, `${this.prefix}.unsent`) || "[]");
    } catch {
      return [];
    }
  }

  /** @param {object[]} entries */
  saveUnsent(entries) {
    save(session, `${this.prefix}.unsent`, entries.length ? JSON.stringify(entries) : "");
  }
}
