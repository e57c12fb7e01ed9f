// The version of each poll and wall that the page shows. A command names the version it is made for (`If-Match`), so
// that a page that slept, or the page of another host, overwrites nothing.

import { isSameState } from "./changes.js";

/** @import { Fields } from "./changes.js" */

/** No version has this tag: a command for something that is gone is refused, and the page then asks what there is. */
const NO_VERSION = '"0"';

/** @typedef {{value: Fields, etag: string}} Version */

export class VersionCache {
  /** @param {(name: string) => Promise<Version | null>} read reads "polls/ID" or "walls/CODE"; null if it is gone */
  constructor(read) {
    this.read = read;
    /** @type {Map<string, Version>} */
    this.versions = new Map();
  }

  /**
   * @param {string} name
   * @param {Fields} value
   * @param {string | null | undefined} etag
   */
  put(name, value, etag) {
    if (etag) this.versions.set(name, { value, etag });
  }

  /**
   * Reads the current version, whatever is shown; null if it is gone.
   * @param {string} name
   */
  async refresh(name) {
    const version = await this.read(name);
    if (version) this.versions.set(name, version);
    else this.versions.delete(name);
    return version;
  }

  /**
   * Returns the version of what is shown, which may be older than the current one.
   * @param {string} name
   * @param {Fields} shown
   * @returns {Promise<Version>}
   */
  async versionOf(name, shown) {
    const cached = this.versions.get(name);
    if (cached && isSameState(cached.value, shown)) return cached;
    const version = await this.refresh(name);
    return version && isSameState(version.value, shown) ? version : { value: shown, etag: NO_VERSION };
  }
}
