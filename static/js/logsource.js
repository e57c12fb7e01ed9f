// Asks the server for parts of one step's log: lines around a place, and where a text occurs.

const JSON_ONLY = { headers: { Accept: "application/json" } };

export class LogSource {
  constructor(task, step, env) {
    this.raw = `/api/tasks/${encodeURIComponent(task)}/logs/${encodeURIComponent(step)}`;
    this.env = env;
    this.stopped = new env.AbortController();
  }

  stop() {
    this.stopped.abort();
  }

  /** {items, lines, bytes, next}. Rejects with an Error that has `code`, or with an AbortError after stop(). */
  lines(from, count) {
    return this.ask(`${this.raw}/lines?from=${from}&count=${count}`);
  }

  /** {items, count, next} of the lines from `from` on with this text in them. */
  search(text, from) {
    return this.ask(`${this.raw}/search?${new URLSearchParams({ q: text, from: String(from), limit: "100" })}`);
  }

  /** Raw text: so many bytes from an offset on. */
  async text(offset, limit) {
    const response = await this.env.fetch(`${this.raw}?offset=${offset}&limit=${limit}`, { signal: this.stopped.signal });
    if (!response.ok) throw new Error(`${response.status}`);
    return response.text();
  }

  async ask(address) {
    const response = await this.env.fetch(address, { ...JSON_ONLY, signal: this.stopped.signal });
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
    return answer;
  }
}
