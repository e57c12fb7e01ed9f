// The grammar of text/event-stream, without I/O. Read by script rather than by EventSource, which hides the
// status of a refusal and the time the server asks us to wait.

export class EventStreamParser {
  constructor() {
    this.rest = "";
    this.started = false;
    this.retry = null; // milliseconds, once the server named them
    this.farewell = false; // the last thing heard was a `retry:` alone: the server is leaving
    this.fields = { data: [], event: "message", retry: false };
  }

  /** Takes a piece of text, returns the whole events in it as {event, data}. */
  push(text) {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    const events = [];
    for (const line of lines) {
      if (line === "") this.finish(events);
      else if (!line.startsWith(":")) this.field(line);
    }
    return events;
  }

  field(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.fields.data.push(value);
    else if (name === "event") this.fields.event = value;
    else if (name === "retry" && /^\d+$/.test(value)) {
      this.retry = Number(value);
      this.fields.retry = true;
    }
  }

  finish(events) {
    const { data, event, retry } = this.fields;
    this.fields = { data: [], event: "message", retry: false };
    if (data.length) events.push({ event, data: data.join("\n") });
    this.farewell = retry && this.started; // the first block's `retry` is only a setting
    if (data.length || retry) this.started = true;
  }
}
