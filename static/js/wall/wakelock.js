// Keeps the screen of a projector's computer on, where the browser can: only while the page is seen, and asked for
// again each time it is (W3C Screen Wake Lock). Not to be had on plain http in a local network.

export function keepAwake({ wakeLock, document }) {
  if (!wakeLock) return;
  let held = null;
  const ask = async () => {
    if (document.visibilityState !== "visible" || held) return;
    held = "asked";
    try {
      held = await wakeLock.request("screen");
      held.addEventListener("release", () => {
        held = null;
        ask(); // taken away while the page is seen: the battery was low, say
      }, { once: true });
    } catch {
      held = null; // refused: asked again when the page is seen anew
    }
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
