"""What the writes to the logs' database get: a connection in a transaction, its time, and the ends that it moves."""

from __future__ import annotations

import sqlite3

from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.follower import READ_BYTES

COMMIT_BYTES = 4 * READ_BYTES
"""About how many bytes of files one commit includes."""

Key = tuple[str, str]
"""A task and a step."""


class LogTransaction:
    """The transaction of a group of writes. `now` is in ms since 1970."""

    __slots__ = ("budget", "connection", "moved", "now")

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self.connection = connection
        self.now = now
        self.moved: dict[Key, End] = {}
        """The new ends of the logs that grew."""
        self.budget = COMMIT_BYTES
        """How many bytes of files may still be read in this transaction."""
