"""What joining costs on a bad phone network: bytes, requests and time of the pages that people come by, nothing cached.

Chromium's own emulation: 400 kbit/s down and up, 400 ms from each request to the first byte of its answer. Bytes are
what Chromium counts of each answer, headers included, and the messages of the WebSocket. A page is seen in the first
frame that has the question (or the field for the code) in it; it is usable when a tap casts a ballot: the options are
buttons, and the stream is live. Counted is everything asked for until then.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser

from .browser import chromium
from .plan import Plan, table
from .spread import Spread, verdict
from .target import Livewall

BITS, DELAY = 400_000, 400
WATCH = """
window.usable = new Promise((done) => {
  let seen = null;
  const look = () => {
    const there = (selector) => document.body && document.querySelector(selector);
    if (seen === null && there(".choice, input.code")) seen = performance.now();
    if (there("#corner[data-state=live]") ? there("button.choice") : !there("#corner") && there("input.code")) {
      done({ seen, usable: performance.now() });
    } else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});
"""


def visit(browser: Browser, url: str) -> dict[str, Any]:
    """One visit with an empty cache: requests and bytes until it was usable, and when it was seen and usable, in ms."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    try:
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        found = {"requests": 0, "bytes": 0}

        def asked(_: Any) -> None:
            found["requests"] += 1

        def loaded(event: dict[str, Any]) -> None:
            found["bytes"] += int(event["encodedDataLength"])

        def heard(event: dict[str, Any]) -> None:
            found["bytes"] += len(event["response"]["payloadData"].encode())

        cdp.on("Network.requestWillBeSent", asked)
        cdp.on("Network.webSocketCreated", asked)
        cdp.on("Network.loadingFinished", loaded)
        cdp.on("Network.webSocketFrameReceived", heard)
        cdp.send("Network.enable")
        speed = {"downloadThroughput": BITS / 8, "uploadThroughput": BITS / 8}
        cdp.send("Network.emulateNetworkConditions", {"offline": False, "latency": DELAY, **speed})
        page.add_init_script(WATCH)
        page.goto(url, wait_until="commit")
        return found | page.evaluate("window.usable")
    finally:
        context.close()


def run(plan: Plan) -> str:
    with Livewall(core=None) as server, chromium() as browser:
        wall = server.call("POST", "/api/walls", {"title": "Autumn Forum"})["code"]
        fields = {"title": "Which release do we ship?", "options": ["The new one", "The old one", "None"], "wall": wall}
        poll = server.call("POST", "/api/polls", fields)["id"]
        server.call("POST", f"/api/polls/{poll}/open", {})
        server.call("PUT", f"/api/walls/{wall}", {"active": f"polls/{poll}"})
        rows = []
        for path in (f"/w/{wall}", f"/polls/{poll}", f"/w/{wall}?lang=zh", "/w"):
            each = [visit(browser, f"http://127.0.0.1:{server.port}{path}") for _ in range(plan.size(5, 1))]
            name = path.replace(wall, "CODE").replace(poll, "ID")
            rows.append([f"`{name}`", *_figures(each)])
    head = ["page", "requests (aim ≤ 8)", "kB on the wire", "seen, s", "usable, s"]
    return table(head, rows)


def _figures(visits: list[dict[str, Any]]) -> list[str]:
    size, seen, usable = (Spread.of([v[key] / 1000 for v in visits]) for key in ("bytes", "seen", "usable"))
    requests = Spread.of([v["requests"] for v in visits])
    return [
        requests.text(0),
        f"{size.text(1)} ({verdict(size.median, 60)})",
        seen.text(2),
        f"{usable.text(2)} ({verdict(usable.median, 3)})",
    ]
