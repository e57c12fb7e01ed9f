// Four ways to move the same cursor. Each is a function (spec, on, env) that starts at once and returns
// {close, follow?, send?}. `spec` is {streams, positionOf, audience}; `on` hears opened(), heard(), messages(list)
// and, once and never after close(), ended({code, status, retry, silent}); all of them only after the return.

import { address, delayIn } from "./protocol.js";
import { EventStreamParser } from "./sse.js";

export const LIMITS = Object.freeze({
  open: 5_000, // a WebSocket that is not open by then will not be
  first: 4_000, // a snapshot is sent at once; a proxy that buffers shows as silence
  websocket: 45_000, // heartbeats come every 20 s
  sse: 35_000, // every 15 s
  wait: 25_000, // what a long poll asks for
  answer: 8_000, // what an answer may take beyond that
  interval: 2_000, // plain polling
  hidden: 10_000, // plain polling of a page nobody sees
});

/** One timer that can be wound again: calls `ring` when nothing wound it for its time. */
function watchdog(env, ring) {
  let timer = null;
  return {
    wind(milliseconds) {
      env.clearTimeout(timer);
      timer = env.setTimeout(ring, milliseconds);
    },
    stop() {
      env.clearTimeout(timer);
      timer = null;
    },
  };
}

/** Makes `on` deaf after the end, whoever ended it. */
function once(on, release) {
  let over = false;
  return {
    get over() {
      return over;
    },
    messages: (list) => over || on.messages(list),
    opened: () => over || on.opened(),
    heard: () => over || on.heard(),
    end(how) {
      if (over) return;
      over = true;
      release();
      on.ended({ code: null, status: null, retry: null, silent: false, ...how });
    },
    close() {
      if (over) return;
      over = true;
      release();
    },
  };
}

function knowsPlace(spec) {
  return spec.streams.every((stream) => spec.positionOf(stream));
}

export function websocket(spec, on, env) {
  const [primary, ...others] = spec.streams;
  const root = env.origin.replace(/^http/, "ws");
  const socket = new env.WebSocket(`${root}/ws/${address([primary], spec)}`);
  const dog = watchdog(env, () => life.end({ silent: true }));
  const followed = new Set(others);
  const asked = new Map(); // ref -> stream, to know which stream a refusal is about
  let counter = 0;
  const life = once(on, () => {
    dog.stop();
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  });
  const send = (message) => socket.send(JSON.stringify(message));
  const ask = (act, stream, more = {}) => {
    counter += 1;
    asked.set(`s${counter}`, stream);
    send({ do: act, ref: `s${counter}`, stream, ...more });
  };
  const subscribe = (stream) => {
    const from = spec.positionOf(stream);
    ask("subscribe", stream, from ? { since: from } : {});
  };
  const receive = (message) => {
    const stream = asked.get(message.ref);
    if (stream === undefined) return life.messages([message]);
    asked.delete(message.ref);
    if (message.error && followed.delete(stream)) life.messages([{ stream, error: message.error }]);
    return undefined;
  };
  dog.wind(LIMITS.open);
  socket.onopen = () => {
    dog.wind(knowsPlace(spec) ? LIMITS.websocket : LIMITS.first);
    for (const stream of followed) subscribe(stream);
    life.opened();
  };
  socket.onmessage = (frame) => {
    dog.wind(LIMITS.websocket);
    life.heard();
    receive(JSON.parse(frame.data));
  };
  socket.onclose = (event) => life.end({ code: event.code, retry: event.code >= 4000 ? delayIn(event.reason) : null });
  return {
    close: life.close,
    /** Follows exactly these streams; `again` are asked for once more, from where the reader stands. */
    follow(streams, again = []) {
      if (socket.readyState !== 1) {
        followed.clear();
        for (const stream of streams) if (stream !== primary) followed.add(stream);
        return;
      }
      for (const stream of [...followed]) {
        if (streams.includes(stream)) continue;
        followed.delete(stream);
        ask("unsubscribe", stream);
      }
      for (const stream of streams) {
        const known = stream === primary || followed.has(stream);
        if (known && !again.includes(stream)) continue;
        if (stream !== primary) followed.add(stream);
        subscribe(stream);
      }
    },
    send: (message) => (socket.readyState === 1 ? (send(message), true) : false),
  };
}

function retryAfter(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  if (response.status !== 503 && response.status !== 429) return null;
  return seconds > 0 ? seconds * 1000 : null;
}

export function sse(spec, on, env) {
  const abort = new env.AbortController();
  const parser = new EventStreamParser();
  const dog = watchdog(env, () => life.end({ silent: true }));
  const life = once(on, () => {
    dog.stop();
    abort.abort();
  });
  const read = async () => {
    const response = await env.fetch(`${env.origin}/sse/${address(spec.streams, spec)}`, {
      headers: { Accept: "text/event-stream" },
      cache: "no-store",
      signal: abort.signal,
    });
    if (!response.ok || !response.body || !response.body.getReader) {
      life.end({ status: response.status, retry: retryAfter(response) });
      return;
    }
    const reader = response.body.getReader();
    const decoder = new env.TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      dog.wind(LIMITS.sse);
      life.heard();
      const events = parser.push(decoder.decode(value, { stream: true }));
      if (events.length) life.messages(events.map((event) => JSON.parse(event.data)));
    }
    life.end({ retry: parser.farewell ? parser.retry : null });
  };
  dog.wind(LIMITS.first); // even a resume with nothing to send begins with `retry:`
  read().catch(() => life.end({}));
  return { close: life.close };
}

/** Long and plain polling differ in the question and in what comes between two questions. */
function polling(spec, on, env, { ask, limit, pause }) {
  const abort = new env.AbortController();
  let timer = null;
  const dog = watchdog(env, () => life.end({ silent: true }));
  const life = once(on, () => {
    dog.stop();
    env.clearTimeout(timer);
    abort.abort();
  });
  let etag = null;
  const round = async () => {
    dog.wind(limit());
    const question = ask();
    const headers = { Accept: "application/json" };
    if (etag && question.tagged) headers["If-None-Match"] = etag;
    const response = await env.fetch(question.url, { headers, cache: "no-store", signal: abort.signal });
    if (response.status !== 200 && response.status !== 304) {
      life.end({ status: response.status, retry: retryAfter(response) });
      return;
    }
    const events = response.status === 200 ? (await response.json()).events : [];
    dog.stop();
    if (question.tagged) etag = response.headers.get("ETag") || etag;
    life.heard();
    life.messages(events);
    if (!life.over) timer = env.setTimeout(() => round().catch(() => life.end({})), pause());
  };
  round().catch(() => life.end({}));
  return { close: life.close };
}

export function longpoll(spec, on, env) {
  let asked = false;
  // Who knows where it stands is answered at once the first time: a page that had lost its server learns that it is
  // there again, although nothing is new.
  const wait = () => (asked || !knowsPlace(spec) ? LIMITS.wait : 0);
  return polling(spec, on, env, {
    ask: () => {
      const url = `${env.origin}/updates/${address(spec.streams, { ...spec, wait: wait() / 1000 })}`;
      asked = true;
      return { url };
    },
    limit: () => (knowsPlace(spec) ? wait() : 0) + LIMITS.answer,
    pause: () => 0,
  });
}

export function poll(spec, on, env) {
  return polling(spec, on, env, {
    ask: () => ({
      url: `${env.origin}/updates/${address(spec.streams, { audience: spec.audience, wait: 0 })}`,
      tagged: true,
    }),
    limit: () => LIMITS.answer,
    pause: () => (env.hidden() ? LIMITS.hidden : LIMITS.interval) * (0.9 + env.random() / 5),
  });
}

export const TRANSPORTS = Object.freeze({ websocket, sse, longpoll, poll });
