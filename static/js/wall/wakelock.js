// Keeps the display of a projector's computer on, where the browser can (W3C Screen Wake Lock; not on plain http in a
// local network). The browser releases the lock when the page is hidden, so it is requested each time the page is shown.

/**
 * @param {{wakeLock: WakeLock | undefined, document: Document}} options
 */
export function keepScreenOn({ wakeLock, document }) {
  if (!wakeLock) return;
  let held = false;
  const request = async () => {
    if (document.visibilityState !== "visible" || held) return;
    held = true;
    try {
      const lock = await wakeLock.request("screen");
      lock.addEventListener("release", () => {
        held = false;
        request(); // released while the page is shown, because the battery is low for example
      }, { once: true });
    } catch {
      held = false; // refused: requested again when the page is shown the next time
    }
  };
  document.addEventListener("visibilitychange", request);
  request();
}
