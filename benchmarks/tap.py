"""From a tap on a phone to "your ballot is in", and to the projector, with 200 other voters active.

One Chromium has both pages, a phone's and a projector's; a touch is put into it as a finger would, and its own time
stamp is where the clock starts. An end is the frame after the one whose script finds the new text in the page, so that
what was found has been painted: up to one frame (16.7 ms at 60 a second) more than the truth, never less. On the
projector that is the figure; the bar then eases towards it for half a second. This Chromium has no graphics processor
and paints 1920 × 1080 on the cores that the server and the voters share, which a projector's computer would not: so it
is also told when the figure was in the projector's page and nothing remained but to paint it. The clocks of the two
pages are compared by messages between them, and the shortest of many round trips says how far one is from the other.

The 200 are another process: each has a WebSocket, hears every tally, and changes its ballot every five seconds. They
choose between the first two answers, the phone between the last two, so that its figures on the projector are its own.
"""

from __future__ import annotations

import random
import time
from typing import Any

from playwright.sync_api import Page

from .browser import chromium
from .clients import WebSocketVoters, checked
from .latency import percentile
from .plan import Plan, table
from .target import Livewall, vote_message

OTHERS, RATE = 200, 40
OPTIONS = ["Clinton", "Dole", "Perot", "Nader"]
OWN = (3, 4)
"""The places of the options that the phone chooses between."""
CLOCK = """
window.clock = () => performance.timeOrigin + performance.now();
window.channel = new BroadcastChannel("clocks");
window.painted = (ready) => new Promise((done) => {
  const look = () => requestAnimationFrame(ready() ? () => done(clock()) : look);
  look();
});
window.written = (element, text) => new Promise((done) => {
  new MutationObserver((_, observer) => {
    if (element.textContent !== text) return;
    observer.disconnect();
    done(clock());
  }).observe(element, {childList: true});
});
window.frames = (count) => new Promise((done) => {
  const from = performance.now();
  const next = (left) => requestAnimationFrame(() => left ? next(left - 1) : done((performance.now() - from) / count));
  next(count);
});
"""
ANSWER = """() => {
  channel.onmessage = ({data}) => data.theirs === undefined && channel.postMessage({...data, theirs: clock()});
}"""
COMPARE = """new Promise((done) => {
  let left = 200, best = null;
  const ask = () => channel.postMessage({mine: clock()});
  channel.onmessage = ({data}) => {
    if (data.theirs === undefined) return;
    const now = clock(), trip = now - data.mine;
    if (!best || trip < best.trip) best = {trip, offset: data.theirs - (data.mine + now) / 2};
    left -= 1;
    left ? ask() : done(best);
  };
  ask();
})"""
TOUCHED = """window.touched = new Promise((done) =>
  addEventListener("pointerdown", (event) => done(performance.timeOrigin + event.timeStamp),
    {capture: true, once: true}));"""
SAFE = """(n) => window.safe = painted(() => {
  const face = document.querySelector(`.choices li:nth-child(${n}) .choice`);
  return face.classList.contains("on") && !face.classList.contains("sent")
    && document.querySelector("#receipt").dataset.phase === "safe";
})"""
SHOWN = """(n) => {
  const figure = document.querySelector(`.rows .row:nth-child(${n}) small`);
  window.told = written(figure, "1");
  window.shown = painted(() => figure.textContent === "1");
}"""


def tap(phone: Page, screen: Page, place: int) -> tuple[float, float, float, float]:
    """When an option was touched, the ballot was in, the projector's page had it and it was painted there: ms, each by
    its own page's clock."""
    box = phone.locator(f".choices li:nth-child({place}) .choice").bounding_box()
    assert box is not None
    phone.evaluate(f"() => {{ {TOUCHED} }}")
    # Kept in a variable and not returned, so that they are not waited for before the touch.
    phone.evaluate(f"(n) => {{ ({SAFE})(n); }}", place)
    screen.evaluate(f"(n) => {{ ({SHOWN})(n); }}", place)
    phone.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    return phone.evaluate("touched"), phone.evaluate("safe"), screen.evaluate("told"), screen.evaluate("shown")


def run(plan: Plan) -> str:
    taps = plan.size(60, 5)
    chance = random.Random(1996)
    with Livewall(core=None) as server, chromium() as browser:
        poll = server.call("POST", "/api/polls", {"title": "Who would you vote for?", "options": OPTIONS})["id"]
        server.call("POST", f"/api/polls/{poll}/open", {})
        tokens = server.voters(OTHERS)
        context = browser.new_context(viewport={"width": 412, "height": 860}, has_touch=True)
        context.add_init_script(CLOCK)
        here = f"http://127.0.0.1:{server.port}/polls/{poll}"
        phone = context.new_page()
        phone.goto(here)
        with phone.expect_popup() as opened:  # a window of its own: a page behind another is hardly painted
            phone.evaluate("(url) => { open(url, '_blank', 'popup,width=1920,height=1080'); }", f"{here}/screen")
        screen = opened.value
        screen.set_viewport_size({"width": 1920, "height": 1080})
        for page in (phone, screen):
            page.wait_for_selector("#corner[data-state=live]")
        with WebSocketVoters(server.port, f"/ws/polls/{poll}", vote_message(poll), tokens=tokens, core=None) as others:
            others.open(OTHERS)
            others.start(rate=RATE, flight=1)
            time.sleep(plan.seconds(6, 2))
            found = [_once(phone, screen, OWN[n % 2], chance) for n in range(taps + 1)][1:]  # the first warms up
            frames = [page.evaluate("frames(60)") for page in (phone, screen)]
            screen.evaluate(ANSWER)
            offset: dict[str, Any] = phone.evaluate(COMPARE)
            answer = checked(others.stop())
        counted = server.tally(poll)
    if counted["ballots"] != OTHERS + 1:
        raise RuntimeError(f"{counted} is not what {OTHERS + 1} voters can have cast")
    safe = [safe - touched for touched, safe, _, _ in found]
    told = [told - offset["offset"] - touched for touched, _, told, _ in found]
    shown = [shown - offset["offset"] - touched for touched, _, _, shown in found]
    rows = [
        _row('tap to "your ballot is in", painted on the phone', safe),
        _row("tap to the figure in the projector's page", told),
        _row("tap to the figure painted on the projector", shown),
    ]
    notes = (
        f"{taps} taps; the others cast {answer['acked']:,} ballots meanwhile. A frame every {frames[0]:.1f} ms on the "
        f"phone and {frames[1]:.1f} ms on the projector; their clocks differ by {offset['offset']:.2f} ms, known to "
        f"{offset['trip'] / 2:.2f} ms."
    )
    return table([f"{OTHERS} other voters active", "p50, ms", "p95, ms", "longest, ms"], rows) + f"\n\n{notes}"


def _once(phone: Page, screen: Page, place: int, chance: random.Random) -> tuple[float, float, float, float]:
    """A tap at a moment that has nothing to do with the publications, 20 a second."""
    time.sleep(chance.uniform(0.15, 0.45))
    return tap(phone, screen, place)


def _row(name: str, took: list[float]) -> list[str]:
    return [name, f"{percentile(took, 0.5):.0f}", f"{percentile(took, 0.95):.0f}", f"{max(took):.0f}"]
