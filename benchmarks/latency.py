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


class Latency:
    """The figures of several turns, in each of which messages or ballots go out at one pace to readers that wait."""

    def __init__(self, rate: float, count: int) -> None:
        self._rate = rate
        self._count = count
        self.p50: list[float] = []
        self.p99: list[float] = []
        self._most: list[float] = []
        self._answer50: list[float] = []
        self._answer99: list[float] = []
        self._idle: dict[int, tuple[list[float], list[float]]] = {SERVER_CORE: ([], []), CLIENT_CORE: ([], [])}

    def turn(self, readers: Readers, senders: HTTPVoters, watching: int, *, kept: bool) -> None:
        """Measure once; a turn that is not `kept` warms up."""
        readers.open(watching)
        senders.open(CONNECTIONS)
        readers.ask(f"track {self._count}")
        probes = {core: Idle(core) for core in self._idle}
        answer = senders.go(rate=self._rate, count=self._count)
        lates = {core: probe.late_us() for core, probe in probes.items()}
        settle(readers, self._count)
        took = arrivals(readers, senders, self._count, watching)
        if not kept:
            return
        self.p50.append(percentile(took, 0.5))
        self.p99.append(percentile(took, 0.99))
        self._most.append(max(took))
        self._answer50.append(answer["p50_us"] / 1000)
        self._answer99.append(answer["p99_us"] / 1000)
        for core, late in lates.items():
            self._idle[core][0].append(percentile(late, 0.5) / 1000)
            self._idle[core][1].append(percentile(late, 0.99) / 1000)

    def table(self, head: str, what: str) -> str:
        """The table: `what` is sent."""
        to_last, to_sender = (self.p50, self.p99, self._most), (self._answer50, self._answer99)
        rows = [
            [f"{what} to the last reader's bytes", *(Spread.of(values).text(1) for values in to_last)],
            [f"{what} to its own acknowledgement", *(Spread.of(values).text(1) for values in to_sender), ""],
        ]
        for whose, core in (("server's", SERVER_CORE), ("clients'", CLIENT_CORE)):
            late = (Spread.of(values).text(2) for values in self._idle[core])
            rows.append([f"idle loop on the {whose} core: timer late by", *late, ""])
        return table([head, "p50, ms", "p99, ms", "longest, ms"], rows)


def run(plan: Plan) -> str:
    watching, count = plan.size(1000, 100), int(RATE * plan.seconds(10, 2))
    figures = Latency(RATE, count)
    with ExitStack() as stack:
        server: Livewall = stack.enter_context(Livewall())
        tokens = server.voters(count)
        for turn in range(plan.pairs + 1):  # the first warms up
            poll = server.poll()
            with (
                Readers(server.port, f"/ws/polls/{poll}") as readers,
                HTTPVoters(server.port, "PUT", f"/api/polls/{poll}/ballot", BODY, tokens=tokens) as voters,
            ):
                figures.turn(readers, voters, watching, kept=turn > 0)
    return figures.table(f"{watching:,} readers, {RATE} ballots a second", "ballot")


def settle(readers: Readers, count: int) -> None:
    """Wait until every reader holds the last tally, or message."""
    end = time.monotonic() + 10
    while readers.stat()["least"] < count and time.monotonic() < end:
        time.sleep(0.05)
