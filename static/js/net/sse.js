// Reads streams as server-sent events.

import { EventStreamParser } from "./eventstream.js";
import { streamAddress } from "./protocol.js";
import { LIMITS, retryAfter, untilEnd, watchdog } from "./transport.js";

/** @import { Transport } from "./transport.js" */

/** @type {Transport} */
export function sse(spec, on, env) {
  const abort = new env.AbortController();
  const parser = new EventStreamParser();
  const dog = watchdog(env, () => link.end({ silent: true }));
  const link = untilEnd(on, () => {
    dog.stop();
    abort.abort();
  });
  const read = async () => {
    const response = await env.fetch(`${env.origin}/sse/${streamAddress(spec.streams, spec)}`, {
      headers: { Accept: "text/event-stream" },
      cache: "no-store",
      signal: abort.signal,
    });
    if (!response.ok || !response.body || !response.body.getReader) {
      link.end({ status: response.status, retry: retryAfter(response) });
      return;
    }
    const reader = response.body.getReader();
    const decoder = new env.TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      dog.wind(LIMITS.sse);
      link.heard();
      const events = parser.push(decoder.decode(value, { stream: true }));
      if (events.length) link.messages(events.map((event) => JSON.parse(event.data)));
    }
    link.end({ retry: parser.closing ? parser.retry : null });
  };
  dog.wind(LIMITS.first); // even a resume with nothing to send begins with `retry:`
  read().catch(() => link.end({}));
  return { close: link.close };
}
