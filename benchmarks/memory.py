"""Resident memory of the server: a reader as a browser opens it, 100,000 ballots, 10,000 readers who came and went."""

from __future__ import annotations

import time
from contextlib import ExitStack

from .ballots import BODY
from .clients import BROWSER, HTTPVoters, Readers
from .fanout import BALLOTS_PER_SECOND, Watched
from .plan import Plan, table
from .spread import Spread, verdict
from .target import Livewall

KIB = 1024
AIM_KIB = 20
GROWTH_AIM_KIB = 1024


def reader_bytes(plan: Plan) -> float:
    """Memory of one more reader with a browser's headers, its own cookie, and two rounds of pings answered.

    A third of the readers are there before: they use up what making the cookies has left free.
    """
    first, count = plan.size(1000, 50), plan.size(2000, 100)
    with ExitStack() as stack:
        watched = Watched(stack, 50)
        server = watched.server
        path = watched.path
        cookies = server.cookies(path.rsplit("/", 1)[1], first + count)
        readers = Readers(server.port, path, tokens=cookies, headers=BROWSER)
        stack.callback(readers.close)
        watched.voters.start(rate=BALLOTS_PER_SECOND)
        readers.open(first)
        time.sleep(plan.seconds(21, 1))
        before = server.rss()
        readers.open(count)
        time.sleep(plan.seconds(45, 2))
        after = server.rss()
        watched.voters.stop()
        pings = readers.stat()["pings"]
        if not plan.quick and pings < 2 * (first + count):
            raise RuntimeError(f"{pings} pings for {count} readers: not what a browser would see")
    return (after - before) / count


def ballots_growth(plan: Plan) -> tuple[int, int]:
    """Growth over 100,000 ballots of as many voters, and the ballots counted at the end.

    The warm-up fills SQLite's page cache, which is bounded.
    """
    warm, count = plan.size(25_000, 500), plan.size(100_000, 2000)
    with ExitStack() as stack:
        server: Livewall = stack.enter_context(Livewall())
        tokens = server.voters(warm + count)
        poll = server.poll()
        readers = Readers(server.port, f"/ws/polls/{poll}")
        stack.callback(readers.close)
        readers.open(10)
        voters = HTTPVoters(server.port, "PUT", f"/api/polls/{poll}/ballot", BODY, tokens=tokens)
        stack.callback(voters.close)
        voters.open(16)
        voters.go(count=warm)
        time.sleep(1)
        before = server.rss()
        voters.go(count=count)
        time.sleep(1)
        return server.rss() - before, server.tally(poll)["ballots"]


def visitors_growth(plan: Plan) -> int:
    """Growth over 10,000 readers who came and went, a thousand at a time, after one such thousand."""
    crowd, rounds = plan.size(1000, 100), plan.size(10, 3)
    with ExitStack() as stack:
        watched = Watched(stack, 10)
        server = watched.server
        watched.voters.start(rate=BALLOTS_PER_SECOND)
        readers = Readers(server.port, watched.path)
        stack.callback(readers.close)
        before = 0
        for turn in range(rounds + 1):
            readers.open(crowd)
            time.sleep(plan.seconds(1, 0.3))
            readers.ask(f"drop {crowd}")
            _left(server, 10)
            if turn == 0:
                before = server.rss()
        growth = server.rss() - before
        watched.voters.stop()
        return growth


def _left(server: Livewall, count: int) -> None:
    """Wait until the server has noticed that the others are gone."""
    # The voters' two sockets are readers of another poll.
    for _ in range(300):
        if server.metric('livewall_readers{transport="websocket"}') <= count + 2:
            return
        time.sleep(0.1)
    raise TimeoutError("the server still counts readers who left")


def run(plan: Plan) -> str:
    each = Spread.of([reader_bytes(plan) for _ in range(plan.size(3, 1))])
    grown, counted = ballots_growth(plan)
    visited = visitors_growth(plan)
    rows = [
        [
            "a WebSocket reader: a browser's headers, its own cookie, pings answered twice",
            f"{each.text(1, 1 / KIB)} KiB (median of {each.count})",
            verdict(each.median / KIB, AIM_KIB) + " (KiB)",
        ],
        [
            f"growth over {plan.size(100_000, 2000):,} ballots of as many voters ({counted:,} with the warm-up)",
            f"{grown / KIB:.0f} KiB",
            verdict(grown / KIB, GROWTH_AIM_KIB) + " (KiB)",
        ],
        [
            f"growth over {plan.size(10_000, 300):,} readers who came and went",
            f"{visited / KIB:.0f} KiB",
            verdict(visited / KIB, GROWTH_AIM_KIB) + " (KiB)",
        ],
    ]
    return table(["what", "resident memory", "aim"], rows)
