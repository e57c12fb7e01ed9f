// The version of each poll and wall that the page shows. An act says which one it was made for (`If-Match`), so that a
// page which slept, or another host's page, overwrites nothing.

import { same } from "./changes.js";

/** No version has this number: an act for something that is no more is refused, and the page asks what there is. */
const NONE = '"0"';

export class Shelf {
  /** `read(name)` resolves with {value, etag} of "polls/ID" or "walls/CODE"; null where there is none any more. */
  constructor(read) {
    this.read = read;
    this.held = new Map();
  }

  put(name, value, etag) {
    if (etag) this.held.set(name, { value, etag });
  }

  value(name) {
    const held = this.held.get(name);
    return held ? held.value : null;
  }

  /** What is there now, whatever is shown; null where it is gone. */
  async fresh(name) {
    const found = await this.read(name);
    if (found) this.held.set(name, found);
    else this.held.delete(name);
    return found;
  }

  /** {value, etag} to act upon what is `shown`, which may be older than what there is. */
  async stand(name, shown) {
    const held = this.held.get(name);
    if (held && same(held.value, shown)) return held;
    const found = await this.fresh(name);
    return found && same(found.value, shown) ? found : { value: shown, etag: NONE };
  }
}
