"""What the writing thread of the logs has to do, and what came of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.follower import Follower, Turn

Key = tuple[str, str]


class Job(NamedTuple):
    """A write of its own. It raises a LivewallError only before it has changed anything."""

    run: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any] | None = None
    then: Callable[[Any], None] = lambda result: None
    """Called in the thread, after the commit."""
    key: Key | None = None
    """The log whose end the result is."""


class Outcome(NamedTuple):
    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class Followed:
    """A file that is followed, and who waits for its end."""

    __slots__ = ("follower", "last", "not_before", "tries", "waiting")

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.last = False
        """Whether its attempt is over: what is there is all."""
        self.waiting: list[asyncio.Future[End]] = []
        self.not_before = 0.0
        self.tries = 0

    @property
    def key(self) -> Key:
        return self.follower.task, self.follower.step


class Done(NamedTuple):
    """What a commit came to."""

    outcomes: list[Outcome]
    jobs: list[tuple[Job, Any]]
    turns: list[tuple[Followed, Turn]]
