// Fetches the messages that are in view and not held.

/** @import { Environment } from "../net/environment.js" */
/** @import { Message, Messages } from "./messages.js" */
/** @import { MessageWindow } from "./window.js" */

const LOAD_AGAIN = 3_000;

export class History {
  /**
   * @param {{env: Environment, calls: {history: (range: {first: number, last: number}) => Promise<Message[] | null>}, messages: Messages, window: MessageWindow, onLoaded: () => void,
   *   onFailed: () => void}} options
   */
  constructor({ env, calls, messages, window: range, onLoaded, onFailed }) {
    this.env = env;
    this.calls = calls;
    this.messages = messages;
    this.window = range;
    this.loaded = onLoaded;
    this.failed = onFailed;
    this.isLoading = false;
  }

  /** Does nothing while all of them are held, or are on their way. */
  async load() {
    const { messages, window: range } = this;
    const missing = messages.missing(range.first, range.last);
    if (!missing || this.isLoading) return;
    this.isLoading = true;
    const found = await this.calls.history(missing);
    this.isLoading = false;
    if (found && found.length) {
      messages.add(found);
      messages.evict(range.first, range.last);
      this.loaded();
    } else {
      if (!found) this.failed();
      this.env.setTimeout(() => this.load(), LOAD_AGAIN);
    }
  }
}
