// Reads streams over a WebSocket, which also carries requests and their replies.

import { reconnectDelay, streamAddress } from "./protocol.js";
import { LIMITS, isResuming, untilEnd, watchdog } from "./transport.js";

/** @import { Transport } from "./transport.js" */
/** @import { Message, Stream } from "./wire.d.ts" */

/** @type {Transport} */
export function websocket(spec, on, env) {
  const [primary, ...others] = spec.streams;
  const root = env.origin.replace(/^http/, "ws");
  const socket = new env.WebSocket(`${root}/ws/${streamAddress([primary], spec)}`);
  const dog = watchdog(env, () => link.end({ silent: true }));
  const followed = new Set(others);
  /** @type {Map<string, Stream>} which stream each subscription is about, by the `ref` of its request */
  const subscriptions = new Map();
  let counter = 0;
  const link = untilEnd(on, () => {
    dog.stop();
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  });
  const send = (/** @type {object} */ message) => socket.send(JSON.stringify(message));
  const request = (/** @type {string} */ action, /** @type {Stream} */ stream, more = {}) => {
    counter += 1;
    subscriptions.set(`s${counter}`, stream);
    send({ do: action, ref: `s${counter}`, stream, ...more });
  };
  const subscribe = (/** @type {Stream} */ stream) => {
    const since = spec.positionOf(stream);
    request("subscribe", stream, since ? { since } : {});
  };
  const receive = (/** @type {Message} */ message) => {
    const { ref = "" } = message;
    const stream = subscriptions.get(ref);
    if (stream === undefined) {
      link.messages([message]);
      return;
    }
    subscriptions.delete(ref);
    // A refused subscription reaches the page as an error of its stream, as it does over the other transports.
    if (message.error && followed.delete(stream)) link.messages([{ stream, error: message.error }]);
  };
  dog.wind(LIMITS.open);
  socket.onopen = () => {
    dog.wind(isResuming(spec) ? LIMITS.websocket : LIMITS.first);
    for (const stream of followed) subscribe(stream);
    link.opened();
  };
  socket.onmessage = (frame) => {
    dog.wind(LIMITS.websocket);
    link.heard();
    receive(JSON.parse(frame.data));
  };
  socket.onclose = (event) => link.end({ code: event.code, retry: event.code >= 4000 ? reconnectDelay(event.reason) : null });
  return {
    close: link.close,
    follow(streams, again = []) {
      if (socket.readyState !== 1) {
        followed.clear();
        for (const stream of streams) if (stream !== primary) followed.add(stream);
        return;
      }
      for (const stream of [...followed]) {
        if (streams.includes(stream)) continue;
        followed.delete(stream);
        request("unsubscribe", stream);
      }
      for (const stream of streams) {
        const known = stream === primary || followed.has(stream);
        if (known && !again.includes(stream)) continue;
        if (stream !== primary) followed.add(stream);
        subscribe(stream);
      }
    },
    send(message) {
      if (socket.readyState !== 1) return false;
      send(message);
      return true;
    },
  };
}
