// What the modules need of the browser, as one object. Tests hand in an object of their own, with a clock they move.

/** @import { Connection } from "./connection.js" */

/**
 * @typedef {object} Environment
 * @property {string} origin the server's address without a path
 * @property {typeof WebSocket} WebSocket
 * @property {typeof AbortController} AbortController
 * @property {typeof TextDecoder} TextDecoder
 * @property {(address: string, options?: RequestInit) => Promise<Response>} fetch
 * @property {(callback: () => void, milliseconds?: number) => number} setTimeout
 * @property {(timer: number | null | undefined) => void} clearTimeout
 * @property {() => number} now milliseconds of a clock that nobody can set
 * @property {() => number} wallClock milliseconds since 1970 by the device's own clock
 * @property {() => number} random
 * @property {() => boolean} keepsCookies
 * @property {() => string} address the address of the page
 * @property {() => boolean} isFreshPage whether the server made this page for this visit
 * @property {() => boolean} hidden whether nobody sees the page
 */

/** @returns {Environment} */
export function browserEnvironment() {
  return {
    origin: location.origin,
    WebSocket: window.WebSocket,
    AbortController: window.AbortController,
    TextDecoder: window.TextDecoder,
    fetch: (address, options) => window.fetch(address, options),
    setTimeout: (callback, milliseconds) => window.setTimeout(callback, milliseconds),
    clearTimeout: (timer) => window.clearTimeout(timer || undefined),
    now: () => performance.now(),
    wallClock: () => Date.now(),
    random: Math.random,
    keepsCookies,
    address: () => location.href,
    isFreshPage,
    hidden: () => document.visibilityState === "hidden",
  };
}

/** Sets a cookie and reads it back: some browsers inside apps report `navigator.cookieEnabled` and drop every cookie. */
function keepsCookies() {
  const name = "livewall_try";
  try {
    document.cookie = `${name}=1; Path=/; SameSite=Lax`;
    const isKept = document.cookie.includes(`${name}=1`);
    document.cookie = `${name}=; Path=/; SameSite=Lax; Max-Age=0`;
    return isKept;
  } catch {
    return false;
  }
}

/** Whether the server made this page for this visit. A browser that goes back may show a page from its cache. */
function isFreshPage() {
  const [visit] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  return visit !== undefined && visit.type !== "back_forward" && visit.transferSize > 0;
}

/**
 * Reconnects at once when the network returns or a sleeping page is shown again, without waiting for the next retry.
 * @param {Connection} connection
 */
export function reconnectOnWake(connection) {
  window.addEventListener("online", () => connection.networkChanged());
  // A page restored from the back/forward cache has a dead connection and hears no event about it.
  window.addEventListener("pageshow", (event) => event.persisted && connection.retryNow());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && connection.retryNow());
}
