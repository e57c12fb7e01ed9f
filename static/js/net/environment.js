// The browser as the modules below see it; tests hand in their own.

export function browser() {
  return {
    origin: location.origin,
    WebSocket: window.WebSocket,
    AbortController: window.AbortController,
    TextDecoder: window.TextDecoder,
    fetch: (...args) => window.fetch(...args),
    setTimeout: (act, milliseconds) => window.setTimeout(act, milliseconds),
    clearTimeout: (timer) => window.clearTimeout(timer),
    now: () => performance.now(),
    wallClock: () => Date.now(),
    random: Math.random,
    keepsCookies,
    address: () => location.href,
    madeNow,
    hidden: () => document.visibilityState === "hidden",
  };
}

/** Tried, not asked: some browsers say that they keep cookies and do not. */
function keepsCookies() {
  const name = "livewall_try";
  try {
    document.cookie = `${name}=1; Path=/; SameSite=Lax`;
    const kept = document.cookie.includes(`${name}=1`);
    document.cookie = `${name}=; Path=/; SameSite=Lax; Max-Age=0`;
    return kept;
  } catch {
    return false;
  }
}

/** Whether the server made this page for this visit: going back, browsers show one that they kept. */
function madeNow() {
  const [visit] = performance.getEntriesByType("navigation");
  return Boolean(visit) && visit.type !== "back_forward" && visit.transferSize > 0;
}

/** Comes back at once when the network does, and when a sleeping page is looked at again. */
export function wakeOn(connection) {
  window.addEventListener("online", () => connection.networkChanged());
  window.addEventListener("pageshow", (event) => event.persisted && connection.hurry());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && connection.hurry());
}
