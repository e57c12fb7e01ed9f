// Reads streams by asking again and again: long polling, where the server waits for news, and plain polling.

import { streamAddress } from "./protocol.js";
import { LIMITS, isResuming, retryAfter, untilEnd, watchdog } from "./transport.js";

/** @import { Environment } from "./environment.js" */
/** @import { Handle, Listener, Transport } from "./transport.js" */

/**
 * The two differ in the request, in the time its answer may take, and in the pause between two requests.
 * @typedef {object} Rhythm
 * @property {() => {url: string, tagged?: boolean}} request `tagged` asks only for what the last ETag does not have
 * @property {() => number} limit
 * @property {() => number} pause
 */

/**
 * @param {Listener} on
 * @param {Environment} env
 * @param {Rhythm} rhythm
 * @returns {Handle}
 */
function polling(on, env, { request, limit, pause }) {
  const abort = new env.AbortController();
  /** @type {number | null} */
  let timer = null;
  const dog = watchdog(env, () => link.end({ silent: true }));
  const link = untilEnd(on, () => {
    dog.stop();
    env.clearTimeout(timer);
    abort.abort();
  });
  /** @type {string | null} */
  let etag = null;
  const ask = async () => {
    dog.wind(limit());
    const { url, tagged } = request();
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (etag && tagged) headers["If-None-Match"] = etag;
    const response = await env.fetch(url, { headers, cache: "no-store", signal: abort.signal });
    if (response.status !== 200 && response.status !== 304) {
      link.end({ status: response.status, retry: retryAfter(response) });
      return;
    }
    const events = response.status === 200 ? (await response.json()).events : [];
    dog.stop();
    if (tagged) etag = response.headers.get("ETag") || etag;
    link.heard();
    link.messages(events);
    if (!link.over) timer = env.setTimeout(() => void ask().catch(() => link.end({})), pause());
  };
  ask().catch(() => link.end({}));
  return { close: link.close };
}

/** @type {Transport} */
export function longpoll(spec, on, env) {
  let hasAsked = false;
  // The first request of a page that knows its positions asks for an answer at once: a page that had lost its server
  // learns that the server is back, although there is no news.
  const wait = () => (hasAsked || !isResuming(spec) ? LIMITS.wait : 0);
  return polling(on, env, {
    request: () => {
      const url = `${env.origin}/updates/${streamAddress(spec.streams, { ...spec, wait: wait() / 1000 })}`;
      hasAsked = true;
      return { url };
    },
    limit: () => (isResuming(spec) ? wait() : 0) + LIMITS.answer,
    pause: () => 0,
  });
}

/** @type {Transport} */
export function poll(spec, on, env) {
  return polling(on, env, {
    request: () => ({
      url: `${env.origin}/updates/${streamAddress(spec.streams, { audience: spec.audience, wait: 0 })}`,
      tagged: true,
    }),
    limit: () => LIMITS.answer,
    pause: () => (env.hidden() ? LIMITS.hidden : LIMITS.interval) * (0.9 + env.random() / 5),
  });
}
