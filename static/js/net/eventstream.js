// The grammar of text/event-stream, without I/O. Pages read it by script and not with EventSource, which hides the
// status of a refusal and the time that the server asks a client to wait.

export class EventStreamParser {
  constructor() {
    this.rest = "";
    this.started = false;
    /** @type {number | null} the last `retry:`, in milliseconds */
    this.retry = null;
    /** Whether the last block was a `retry:` alone: the server is about to close the stream. */
    this.closing = false;
    this.block = newBlock();
  }

  /**
   * Takes a chunk of text and returns the events that are complete with it.
   * @param {string} text
   */
  push(text) {
    // A lone CR at the end may be the first half of a CR LF that the next chunk completes.
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() || "";
    /** @type {{event: string, data: string}[]} */
    const events = [];
    for (const line of lines) {
      if (line === "") this.endBlock(events);
      else if (!line.startsWith(":")) this.field(line);
    }
    return events;
  }

  /** @param {string} line */
  field(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.block.data.push(value);
    else if (name === "event") this.block.event = value;
    else if (name === "retry" && /^\d+$/.test(value)) {
      this.retry = Number(value);
      this.block.retry = true;
    }
  }

  /** @param {{event: string, data: string}[]} events */
  endBlock(events) {
    const { data, event, retry } = this.block;
    this.block = newBlock();
    if (data.length) events.push({ event, data: data.join("\n") });
    this.closing = retry && this.started; // the `retry:` of the first block is only a setting
    if (data.length || retry) this.started = true;
  }
}

function newBlock() {
  return { data: /** @type {string[]} */ ([]), event: "message", retry: false };
}
