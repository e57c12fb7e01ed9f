"""Times as they stand on the wire: ISO 8601 in UTC, to the millisecond; and the clock that `server.py` passes in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

STEP = 2.0
"""Seconds by which the wall clock is set before that is noticed. Slewing (NTP) moves both clocks alike."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def since_boot() -> float:
    """Seconds on the clock of Linux that nobody can set, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ServerClock:
    """The time of a server: that of the wall clock when it started, and from then on what a stopwatch adds to it.

    When the clock of the machine is set, this one goes on as it was while it is `held`, so that what runs is neither
    lengthened nor shortened, and `now` on the wire fits the times that were told before. Otherwise it takes the new
    time. Only the thread that made it does that; any may ask.
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
        self._told = 0.0

    def __call__(self) -> datetime:
        now = self._start + timedelta(seconds=self._stopwatch())
        ahead = (self._wall() - now).total_seconds()
        if abs(ahead) < STEP or self._thread != threading.get_ident() or self._held():
            return now
        log.info("the clock of this machine was set by %+.0f seconds", ahead)
        self._start += timedelta(seconds=ahead)
        return now + timedelta(seconds=ahead)

    def step(self) -> float | None:
        """The seconds by which the wall clock is ahead of this one; once for each time that it was set, else None."""
        ahead = (self._wall() - self()).total_seconds()
        if abs(ahead - self._told) < STEP:
            return None
        self._told = ahead
        return ahead if abs(ahead) >= STEP else None


def iso(moment: datetime) -> str:
    """The text of a moment in UTC; such texts sort like the moments they name."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def later(now: datetime, seconds: float) -> str:
    return iso(now + timedelta(seconds=seconds))
