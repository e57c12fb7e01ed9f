// Asks the server for parts of one step's log: lines around a place, and where a text occurs.

// What was asked for once is not kept by the browser either.
const JSON_ONLY = { headers: { Accept: "application/json" }, cache: "no-store" };

export class LogSource {
  constructor(task, step, env) {
    this.raw = `/api/tasks/${encodeURIComponent(task)}/logs/${encodeURIComponent(step)}`;
    this.env = env;
    this.stopped = new env.AbortController();
    this.searching = null;
  }

  stop() {
    this.stopped.abort();
    if (this.searching) this.searching.abort();
  }

  /** {items, lines, bytes, next}. Rejects with an Error that has `code`, or with an AbortError after stop(). */
  lines(from, count) {
    return this.ask(`${this.raw}/lines?from=${from}&count=${count}`);
  }

  /** {items, count, next} of the lines from `from` on with this text in them. A search under way is given up. */
  search(text, from) {
    if (this.searching) this.searching.abort();
    this.searching = new this.env.AbortController();
    return this.ask(`${this.raw}/search?${new URLSearchParams({ q: text, from: String(from), limit: "100" })}`, this.searching);
  }

  async ask(address, { signal } = this.stopped) {
    const response = await this.env.fetch(address, { ...JSON_ONLY, signal });
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
    return answer;
  }
}
