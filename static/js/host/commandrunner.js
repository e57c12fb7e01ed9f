// Runs the commands of a host and reports their outcome. Where somebody else was first, it asks the host.

import { formatShortTimestamp } from "../ui/timestamps.js";
import { CommandQueue } from "./commandqueue.js";
import { openConflict } from "./conflict.js";
import { errorText } from "./pollform.js";

/** @import { Environment } from "../net/environment.js" */
/** @import { Stream } from "../net/wire.d.ts" */
/** @import { Notice } from "../ui/notice.js" */
/** @import { Texts } from "../ui/texts.js" */
/** @import { CommandOutcome, Conflict } from "./commandqueue.js" */
/** @import { Call, Command } from "./commands.js" */
/** @import { Version } from "./versioncache.js" */
/** @import { HostPage, WallModel } from "./wallmodel.js" */

/**
 * @typedef {object} RunOptions
 * @property {(() => void) | null} [undo]
 * @property {Version | null} [base] the version the command is meant for, where that is not the one shown now
 * @property {boolean} [quiet] leaves an error to the caller
 */

/** @typedef {CommandOutcome & {kept?: boolean}} Outcome `kept`: the host left a conflict as it was */

export class CommandRunner {
  /**
   * @param {{page: HostPage, env: Environment, texts: Texts, model: WallModel, notice: Notice, onChange: () => void}} options
   */
  constructor({ page, env, texts, model, notice, onChange }) {
    this.texts = texts;
    this.model = model;
    this.notice = notice;
    this.queue = new CommandQueue({ env, shown: (name) => model.shown(name), onChange });
    this.queue.versions.put(page.wallStream, page.wall, `"${page.version}"`);
    for (const [item, { poll, version }] of Object.entries(page.items)) {
      if (poll) this.queue.versions.put(item, poll, `"${version}"`);
    }
  }

  /** Whether a command is under way. */
  get busy() {
    return this.queue.busy;
  }

  /** @param {Stream} item */
  titleOf(item) {
    return this.model.item(item).title || this.texts.say("home.untitled");
  }

  /**
   * Runs a command, reports its outcome, and asks the host where somebody else was first.
   * @param {string} name
   * @param {Command} command
   * @param {string} done the text, or its key, for a command that was done
   * @param {RunOptions} options
   * @returns {Promise<Outcome>}
   */
  async run(name, command, done, { undo = null, base = null, quiet = false } = {}) {
    const outcome = await this.queue.run(name, command, base);
    if (outcome.conflict) return this.askAbout(outcome.conflict, name, command, done, { undo, quiet });
    if (outcome.error && !quiet) this.notice.show(errorText(outcome.error, this.texts), { wrong: true });
    if (outcome.ok) this.notice.show(this.texts.has(done) ? this.texts.say(done) : done, { undo });
    if (outcome.ok && outcome.ok.options && !this.model.live.streams.includes(name)) this.model.update(name, outcome.ok);
    return outcome;
  }

  /**
   * @param {Conflict} conflict
   * @param {string} name
   * @param {Command} command
   * @param {string} done
   * @param {RunOptions} options
   * @returns {Promise<Outcome>}
   */
  askAbout({ fresh, changed, possible }, name, command, done, options) {
    if (fresh.value.options) this.model.update(name, fresh.value);
    return new Promise((resolve) => {
      const again = async () => resolve(await this.run(name, command, done, { ...options, base: fresh }));
      const time = (/** @type {string} */ at) => formatShortTimestamp(at, Date.now());
      openConflict({ changed, again: possible ? again : null, keep: () => resolve({ kept: true }) },
        { texts: this.texts, titleOf: (item) => this.titleOf(item), time });
    });
  }

  /**
   * Makes a call that depends on no version.
   * @param {Call} call
   */
  call(call) {
    return this.queue.runCall(call);
  }

  /**
   * Reads the current version of an item; null if it is gone or cannot be read.
   * @param {Stream} item
   */
  refresh(item) {
    return this.queue.versions.refresh(item).catch(() => null);
  }

  /**
   * Returns the version that a form is opened for, so that it changes nothing else; null if it cannot be read.
   * @param {string} name
   */
  async versionForForm(name) {
    const version = await this.queue.enqueue(() => this.queue.versions.versionOf(name, this.model.shown(name)));
    if (!("error" in version)) return version;
    this.notice.show(errorText(version.error, this.texts), { wrong: true });
    return null;
  }
}
