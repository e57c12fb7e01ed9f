"""The memory of a projector's page over a simulated day: 20,000 tallies, and between them what else happens to it.

Tallies are published as fast as the server is told to and the page can take them. After every thousandth the poll is
closed, asked again in a new round, and taken off the wall and put back, so that every view is built anew. Heap is what
Chromium says is used after two full garbage collections; nodes and listeners are those of the page's documents.
"""

from __future__ import annotations

import http.client
import json
from typing import Any, NamedTuple

from playwright.sync_api import CDPSession, Page

from .browser import chromium
from .plan import Plan, table
from .target import Livewall

RATE = 200
ROUND = 1_000
"""Tallies of a round."""
OPTIONS = ["Clinton", "Dole", "Perot", "Nader"]


class Sample(NamedTuple):
    """What the page holds after so many tallies."""

    tallies: int
    heap: int
    nodes: int
    listeners: int


class Day:
    """A wall with one poll, its projector, and the one voter who never makes up its mind."""

    def __init__(self, server: Livewall, page: Page, cdp: CDPSession) -> None:
        self.server, self.page, self.cdp = server, page, cdp
        self.wall = server.call("POST", "/api/walls", {"title": "Autumn Forum"})["code"]
        fields = {"title": "Which?", "options": OPTIONS, "wall": self.wall, "majority": "1/2", "compare": True}
        self.poll = server.call("POST", "/api/polls", fields)["id"]
        self.round = self.heard = 0
        voter = server.voters(1)[0]
        self.headers = {"Authorization": f"Bearer {voter}", "Content-Type": "application/json"}
        self.voter = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
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

    def vote(self, until: int) -> None:
        """Ballots until the page has heard so many tallies."""
        cast = 0
        while self.heard < until:
            cast += 1
            self.voter.request("PUT", f"/api/polls/{self.poll}/ballot", json.dumps({"choices": [str(cast % 4 + 1)]}),
                               self.headers)
            answer = self.voter.getresponse()
            text = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"a ballot was refused: {text[:200]!r}")
            if cast % 20 == 0:
                self.page.evaluate("0")  # what the browser told meanwhile is counted now

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
        page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
        day = Day(server, page, page.context.new_cdp_session(page))
        for number in range(1, 4 * step + 1):
            day.ask_again()
            day.vote(day.heard + size)
            if number in (1, *range(step, 4 * step + 1, step)):
                samples.append(day.sample())
        day.voter.close()
    rows = [[f"{s.tallies:,}", f"{s.heap / 1e6:.2f}", f"{s.nodes:,}", f"{s.listeners:,}"] for s in samples]
    grown = (samples[-1].heap - samples[0].heap) / 1e6
    said = table(["tallies", "heap, MB", "nodes", "listeners"], rows)
    return f"{said}\n\nBetween the first and the last: {grown:+.2f} MB."
