"""Times as they stand on the wire: ISO 8601 in UTC, to the millisecond; and the clock that `server.py` passes in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

STEP = 2.0
"""Seconds by which the wall clock is set before it is worth a line in the log."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def since_boot() -> float:
    """Seconds on the clock of Linux that nobody can set, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ServerClock:
    """The time of a server: that of the wall clock when it started, and from then on what a stopwatch adds to it.

    Setting the clock of the machine neither lengthens nor shortens what runs, and `now` on the wire, the ends of polls
    and everything else that is compared stay consistent. The next start takes the time that was set. Callable from any
    thread.
    """

    def __init__(self, wall: Clock = utc_now, stopwatch: Callable[[], float] = since_boot) -> None:
        self._wall = wall
        self._stopwatch = stopwatch
        self._start = wall() - timedelta(seconds=stopwatch())
        self._told = 0.0

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=self._stopwatch())

    def step(self) -> float | None:
        """The seconds by which the wall clock is ahead of this one, once for each time that it was set."""
        ahead = (self._wall() - self()).total_seconds()
        if abs(ahead - self._told) < STEP:
            return None
        self._told = ahead
        return ahead


def iso(moment: datetime) -> str:
    """The text of a moment in UTC; such texts sort like the moments they name."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def later(now: datetime, seconds: float) -> str:
    return iso(now + timedelta(seconds=seconds))
