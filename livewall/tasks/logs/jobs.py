"""The jobs of the thread that writes the logs, and their results."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.follower import Follower, ReadResult

Key = tuple[str, str]


class Job(NamedTuple):
    """A write. It may raise a LivewallError only before it has changed anything."""

    run: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any] | None = None
    then: Callable[[Any], None] = lambda result: None
    """Called in the thread, after the commit."""
    key: Key | None = None
    """The log of which the result is the end, if it is one."""


class Outcome(NamedTuple):
    """The result or error with which to settle a future on the loop."""

    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class Followed:
    """A file that is being read, and the futures that wait for its end."""

    __slots__ = ("follower", "last", "not_before", "tries", "waiting")

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.last = False
        """Whether the attempt is over, so that the file no longer grows."""
        self.waiting: list[asyncio.Future[End]] = []
        self.not_before = 0.0
        self.tries = 0

    @property
    def key(self) -> Key:
        return self.follower.task, self.follower.step


class CommitResult(NamedTuple):
    """The results of one commit."""

    outcomes: list[Outcome]
    jobs: list[tuple[Job, Any]]
    turns: list[tuple[Followed, ReadResult]]
