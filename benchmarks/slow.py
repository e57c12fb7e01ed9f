"""Readers that never read: what they cost the server's memory and the others' patience.

Three runs are compared: with readers that never read (`mute`), with as many that do (`reading`), and without them
(`absent`). In each, ballots move the tally as fast as it may be published, and a few other readers are timed: a new
voter's ballot now and then is the marker, because only new voters raise the number of ballots in a tally.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from .ballots import BODY
from .clients import HTTPVoters, Readers, checked
from .fanout import Watched
from .latency import arrivals, percentile
from .plan import Plan, table
from .spread import Spread, verdict

Kind = Literal["mute", "reading", "absent"]
KIB = 1024
GROWTH_AIM_KIB = 1024
PATIENCE_AIM = 1.5


@dataclass(frozen=True)
class Size:
    """How much is asked of the server; a run ends when both ballots and tallies are reached."""

    readers: int = 1000
    others: int = 10
    ballots: int = 100_000
    tallies: int = 10_000
    publish_rate: int = 1000
    ballot_rate: int = 2500
    marker_rate: int = 100
    most_seconds: float = 600


@dataclass(frozen=True)
class Outcome:
    """`p99_after_ms` counts markers sent after the last mute reader had fallen behind, `behind` how many did."""

    growth: int
    p99_ms: float
    p99_after_ms: float
    behind: int
    ballots: int
    tallies: int
    seconds: float


def run_once(size: Size, kind: Kind) -> Outcome:
    """One run; raises when a ballot was refused or one of the others missed a marker."""
    with ExitStack() as stack:
        watched = Watched(stack, 0, "--publish-rate", str(size.publish_rate), voters=10)
        server, port = watched.server, watched.server.port
        markers = int(size.marker_rate * size.most_seconds)
        tokens = server.voters(min(markers, 20_000))
        others = Readers(port, watched.path)
        stack.callback(others.close)
        others.open(size.others)
        crowd = Readers(port, watched.path, mute=kind == "mute")
        stack.callback(crowd.close)
        if kind != "absent":
            crowd.open(size.readers)
        put = watched.path.replace("/ws/", "/api/") + "/ballot"
        marker = HTTPVoters(port, "PUT", put, BODY, tokens=tokens)
        stack.callback(marker.close)
        marker.open(4)
        time.sleep(1)
        before, start = server.rss(), time.monotonic()
        already = _raised_by(watched)  # the ten who change their minds count once each, first
        others.ask(f"track {already + len(tokens)}")
        first = others.stat()["tallies"]
        marker.start(rate=size.marker_rate, count=len(tokens))
        watched.voters.start(rate=size.ballot_rate, flight=20)
        behind, behind_at = 0, 0
        while True:
            time.sleep(0.25)
            if kind == "mute" and behind < size.readers:
                behind, behind_at = int(server.metric("livewall_readers_behind")), time.monotonic_ns()
            tallies = (others.stat()["tallies"] - first) // size.others
            ballots = watched.voters.stat()["acked"]
            spent = time.monotonic() - start
            if (tallies >= size.tallies and ballots >= size.ballots) or spent > size.most_seconds:
                break
        checked(watched.voters.stop())
        checked(marker.stop())
        time.sleep(0.5)
        growth = server.rss() - before
        took = arrivals(others, marker, already + len(tokens), size.others, skip=already)
        after = [ms for ms, due in zip(took, marker.due_times(), strict=True) if due >= behind_at]
        whole, late = percentile(took, 0.99), percentile(after or took, 0.99)
        return Outcome(growth, whole, late, behind, ballots, tallies, spent)


def _raised_by(watched: Watched) -> int:
    """Let each of the changing voters cast once, so that from here on only markers raise the number of ballots."""
    watched.voters.go(count=10, flight=1)
    time.sleep(0.2)
    return 10


def run(plan: Plan) -> str:
    size = Size()
    if plan.quick:
        size = replace(size, readers=100, ballots=2000, tallies=200, ballot_rate=1000)
    mute, absent = [], []
    for _ in range(plan.size(5, 1)):
        mute.append(run_once(size, "mute"))
        absent.append(run_once(size, "absent"))
    # A thousand who read make a publication take milliseconds: the same ballots, spread over the longer run.
    reading = run_once(replace(size, ballot_rate=max(100, size.ballot_rate // 5)), "reading")
    over = (median(outcome.growth for outcome in mute) - reading.growth) / KIB
    alone = median(outcome.p99_ms for outcome in absent)
    ratio = median(outcome.p99_ms for outcome in mute) / alone
    after = median(outcome.p99_after_ms for outcome in mute) / alone
    rows = [
        _row(f"{size.readers:,} never read", mute),
        _row(f"the same {size.readers:,} read", [reading]),
        _row("without them", absent),
    ]
    head = [
        "run",
        "ballots",
        "tallies",
        "seconds",
        "server grew by, KiB",
        "the others' p99, ms",
        "after all fell behind",
    ]
    return "\n".join(
        [
            table(head, rows),
            "",
            f"Growth beyond the run in which they read: **{over:.0f} KiB** ({verdict(over, GROWTH_AIM_KIB)}). "
            f"The others' p99 against the run without them: **{ratio:.2f}** ({verdict(ratio, PATIENCE_AIM)}); "
            f"once the last of them had fallen behind: **{after:.2f}** ({verdict(after, PATIENCE_AIM)}). Until then a "
            "reader that never reads costs what one does that reads: the kernel takes what is sent to it.",
        ]
    )


def _row(name: str, outcomes: list[Outcome]) -> list[str]:
    return [
        name,
        f"{min(o.ballots for o in outcomes):,}",
        f"{min(o.tallies for o in outcomes):,}",
        Spread.of([o.seconds for o in outcomes]).text(0),
        Spread.of([o.growth / KIB for o in outcomes]).text(0),
        Spread.of([o.p99_ms for o in outcomes]).text(1),
        Spread.of([o.p99_after_ms for o in outcomes]).text(1),
    ]
