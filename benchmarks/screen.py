"""The memory of a projector's page over a simulated day: 20,000 tallies, and between them what else happens to it.

Tallies are published as fast as the server is told to and the page can take them. After every thousandth the poll is
closed, its wall shows the end with all results, and it is asked again in a new round beside the one before: every view
is built anew. Heap is what Chromium says is used after two full garbage collections; nodes and listeners are those of
the page's documents. The page is small and does not move its bars, so that little of the time goes into painting.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from playwright.sync_api import CDPSession, Page

from .browser import chromium
from .clients import WebSocketVoters, checked
from .plan import Plan, table
from .target import Livewall

RATE = 200
"""Tallies a second, at most; twice as many ballots."""
ROUND = 1_000
"""Tallies of a round."""
VOTERS = 20
OPTIONS = ["Clinton", "Dole", "Perot", "Nader"]


class Sample(NamedTuple):
    """What the page holds after so many tallies."""

    tallies: int
    heap: int
    nodes: int
    listeners: int


class Day:
    """A wall with one poll, and its projector."""

    def __init__(self, server: Livewall, page: Page, cdp: CDPSession) -> None:
        self.server, self.page, self.cdp = server, page, cdp
        self.wall = server.call("POST", "/api/walls", {"title": "Autumn Forum"})["code"]
        fields = {"title": "Which?", "options": OPTIONS, "wall": self.wall, "majority": "1/2", "compare": True}
        self.poll = server.call("POST", "/api/polls", fields)["id"]
        self.round = self.heard = 0
        cdp.on("Network.webSocketFrameReceived", self._frame)
        cdp.send("Network.enable")
        page.goto(f"http://127.0.0.1:{server.port}/w/{self.wall}/screen")
        page.locator("#corner[data-state=live]").wait_for()

    def _frame(self, event: dict[str, Any]) -> None:
        self.heard += event["response"]["payloadData"].count('"key":"tally"')

    def ask_again(self) -> None:
        """The next round, shown."""
        act = f"/api/polls/{self.poll}"
        if self.round:
            self.server.call("POST", f"{act}/close", {})
            self.page.locator(".poll[data-phase=closed]").wait_for()
            self.server.call("PUT", f"/api/walls/{self.wall}", {"active": None})
            self.page.locator(".end").wait_for()
            self.server.call("POST", f"{act}/reset", {"round": self.round})
        self.round += 1
        self.server.call("POST", f"{act}/open", {})
        self.server.call("PUT", f"/api/walls/{self.wall}", {"active": f"polls/{self.poll}"})
        self.page.locator(".poll[data-phase=open]").wait_for()

    def vote(self, voters: WebSocketVoters, tallies: int) -> None:
        """Ballots until the page has heard so many tallies more."""
        until = self.heard + tallies
        voters.start(rate=2 * RATE, flight=1)
        while self.heard < until:
            self.page.wait_for_timeout(50)  # what the browser tells is counted meanwhile
        checked(voters.stop())

    def sample(self) -> Sample:
        for _ in range(2):
            self.cdp.send("HeapProfiler.collectGarbage")
        counted = self.cdp.send("Memory.getDOMCounters")
        heap = self.cdp.send("Runtime.getHeapUsage")["usedSize"]
        return Sample(self.heard, heap, counted["nodes"], counted["jsEventListeners"])


def run(plan: Plan) -> str:
    size, step = plan.size(ROUND, 50), plan.size(5, 1)
    samples = []
    with Livewall("--publish-rate", str(RATE), core=None) as server, chromium() as browser:
        page = browser.new_context(viewport={"width": 640, "height": 360}, reduced_motion="reduce").new_page()
        day = Day(server, page, page.context.new_cdp_session(page))
        elsewhere = server.call("POST", "/api/walls", {"title": "Elsewhere"})["code"]
        message = f'{{"do":"vote","ref":"@R@","poll":"{day.poll}","choices":["@C@"]}}'
        tokens = server.voters(VOTERS)
        with WebSocketVoters(server.port, f"/ws/walls/{elsewhere}", message, tokens=tokens, core=None) as voters:
            voters.open(VOTERS)
            for number in range(1, 4 * step + 1):
                day.ask_again()
                day.vote(voters, size)
                if number in (1, *range(step, 4 * step + 1, step)):
                    samples.append(day.sample())
    rows = [[f"{s.tallies:,}", f"{s.heap / 1e6:.2f}", f"{s.nodes:,}", f"{s.listeners:,}"] for s in samples]
    grown = (samples[-1].heap - samples[0].heap) / 1e6
    said = table(["tallies", "heap, MB", "nodes", "listeners"], rows)
    return f"{said}\n\nBetween the first and the last: {grown:+.2f} MB."
