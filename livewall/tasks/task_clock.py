"""Whether a task may be under way: then the server's clock does not take a time that was set meanwhile, since durations
and what is left of a lease or a delay are differences of its times."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from livewall.clock import Clock
from livewall.store.store import Store


class TaskClock:
    """True from any use of `clock`, which every write about a task makes, until a look finds no task under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._maybe = True
        self._asked = True

    def __bool__(self) -> bool:
        return self._maybe

    def clock(self) -> datetime:
        """The server's time, for a write about a task."""
        now = self._clock()
        self._maybe = self._asked = True
        return now

    async def look(self, store: Store) -> None:
        """Raises Busy."""
        self._asked = False
        found = await store.read(_unfinished)
        if not found and not self._asked:
            self._maybe = False


def _unfinished(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM tasks WHERE ended_at IS NULL LIMIT 1").fetchone() is not None
