"""Whether a task may be running. While it is, the server's clock does not follow changes of the system clock.

Durations, and what is left of a lease or a delay, are differences of the clock's times.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from livewall.clock import Clock
from livewall.store.store import Store


class TaskClock:
    """True from any use of `clock`, which every write about a task makes, until `check` finds no unfinished task."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._may_be_running = True
        self._used = True

    def __bool__(self) -> bool:
        return self._may_be_running

    def clock(self) -> datetime:
        """Return the server's time, for a write about a task."""
        now = self._clock()
        self._may_be_running = self._used = True
        return now

    async def check(self, store: Store) -> None:
        """Find out whether a task is unfinished. Raises Busy."""
        # A write that begins during the read sets this again.
        self._used = False
        unfinished = await store.read(_unfinished)
        if not unfinished and not self._used:
            self._may_be_running = False


def _unfinished(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM tasks WHERE ended_at IS NULL LIMIT 1").fetchone() is not None
