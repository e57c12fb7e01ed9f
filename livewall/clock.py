"""Times as the wire has them, ISO 8601 in UTC to the millisecond, and the clock of a server."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

STEP = 2.0
"""Seconds by which the wall clock must jump to count as set. Slewing (NTP) moves both clocks alike."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def since_boot() -> float:
    """Return the seconds of CLOCK_BOOTTIME, which nobody can set and which counts while the machine sleeps (Linux)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ServerClock:
    """The time of a server: the wall clock at its start, plus the seconds of CLOCK_BOOTTIME since.

    When the clock of the machine is set, this clock keeps its time while it is `held`, so that nothing under way is
    lengthened or shortened, and `now` on the wire fits the times sent before. Otherwise it takes the new time. Only the
    thread that made the clock does that; any thread may read it.
    """

    def __init__(
        self,
        wall: Clock = utc_now,
        stopwatch: Callable[[], float] = since_boot,
        held: Callable[[], bool] = lambda: True,
    ) -> None:
        self._wall = wall
        self._stopwatch = stopwatch
        self._held = held
        self._thread = threading.get_ident()
        self._start = wall() - timedelta(seconds=stopwatch())
        self._reported = 0.0

    def __call__(self) -> datetime:
        now = self._start + timedelta(seconds=self._stopwatch())
        ahead = (self._wall() - now).total_seconds()
        if abs(ahead) < STEP or self._thread != threading.get_ident() or self._held():
            return now
        log.info("the clock of this machine was set by %+.0f seconds", ahead)
        self._start += timedelta(seconds=ahead)
        return now + timedelta(seconds=ahead)

    def step(self) -> float | None:
        """Return by how many seconds the wall clock is ahead of this clock, once for each time it was set; otherwise
        None."""
        ahead = (self._wall() - self()).total_seconds()
        if abs(ahead - self._reported) < STEP:
            return None
        self._reported = ahead
        return ahead if abs(ahead) >= STEP else None


def iso(moment: datetime) -> str:
    """Return a time as text in UTC. Such texts sort like the times."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def later(now: datetime, seconds: float) -> str:
    return iso(now + timedelta(seconds=seconds))
