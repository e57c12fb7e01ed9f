"""From a ballot to the last reader's bytes, at 1,000 readers and 500 ballots a second.

Every ballot is a new voter's, over HTTP, so that the number of ballots in a tally says which ballots it shows: the k-th
ballot has arrived when the last reader holds a tally of k or more. The time is taken when the load client has read the
bytes, and counts from when the ballot was due to be sent. Two idle event loops beside it, one on each core, note how
late their own timers fire.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack

from .ballots import BODY
from .clients import HTTPVoters, Readers
from .machine import CLIENT_CORE, SERVER_CORE, pinned
from .plan import Plan, table
from .spread import Spread
from .target import Livewall

RATE = 500
CONNECTIONS = 16


class Idle:
    """peers/idle.py on one core."""

    def __init__(self, core: int) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.idle"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=pinned(core),
        )

    def late_us(self) -> list[float]:
        output, _ = self._child.communicate()
        return [float(line) for line in output.split()]


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def arrivals(readers: Readers, voters: HTTPVoters, tracked: int, watching: int, *, skip: int = 0) -> list[float]:
    """Milliseconds from each ballot sent to the last reader; raises when one never arrived.

    `tracked` is what the readers were told to track, `skip` how many ballots there were before these.
    """
    times, holders = readers.held(tracked)
    due = voters.due_times()
    took = []
    for k, sent in enumerate(due, skip + 1):
        if holders[k] != watching:
            raise RuntimeError(f"ballot {k} reached {holders[k]} of {watching} readers")
        took.append((times[k] - sent) / 1e6)
    return took


def run(plan: Plan) -> str:
    watching, seconds = plan.size(1000, 100), plan.seconds(10, 2)
    p50, p99, most, answer50, answer99 = [], [], [], [], []
    idle: dict[int, tuple[list[float], list[float]]] = {SERVER_CORE: ([], []), CLIENT_CORE: ([], [])}
    with ExitStack() as stack:
        server: Livewall = stack.enter_context(Livewall())
        count = int(RATE * seconds)
        tokens = server.voters(count)
        for turn in range(plan.pairs + 1):  # the first warms up
            poll = server.poll()
            with (
                Readers(server.port, f"/ws/polls/{poll}") as readers,
                HTTPVoters(server.port, "PUT", f"/api/polls/{poll}/ballot", BODY, tokens=tokens) as voters,
            ):
                readers.open(watching)
                voters.open(CONNECTIONS)
                readers.ask(f"track {count}")
                probes = {core: Idle(core) for core in idle}
                answer = voters.go(rate=RATE, count=count)
                lates = {core: probe.late_us() for core, probe in probes.items()}
                settle(readers, count)
                took = arrivals(readers, voters, count, watching)
            if not turn:
                continue
            p50.append(percentile(took, 0.5))
            p99.append(percentile(took, 0.99))
            most.append(max(took))
            answer50.append(answer["p50_us"] / 1000)
            answer99.append(answer["p99_us"] / 1000)
            for core, late in lates.items():
                idle[core][0].append(percentile(late, 0.5) / 1000)
                idle[core][1].append(percentile(late, 0.99) / 1000)
    rows = [
        ["ballot to the last reader's bytes", Spread.of(p50).text(1), Spread.of(p99).text(1), Spread.of(most).text(1)],
        ["ballot to its own acknowledgement", Spread.of(answer50).text(1), Spread.of(answer99).text(1), ""],
        ["idle loop on the server's core: timer late by", *(Spread.of(late).text(2) for late in idle[SERVER_CORE]), ""],
        ["idle loop on the clients' core: timer late by", *(Spread.of(late).text(2) for late in idle[CLIENT_CORE]), ""],
    ]
    head = [f"{watching:,} readers, {RATE} ballots a second", "p50, ms", "p99, ms", "longest, ms"]
    return table(head, rows)


def settle(readers: Readers, count: int) -> None:
    """Wait until every reader holds the last tally, or message."""
    end = time.monotonic() + 10
    while readers.stat()["least"] < count and time.monotonic() < end:
        time.sleep(0.05)
