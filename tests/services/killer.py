"""kill -9 at a moment that somebody chose."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Protocol

from child_server import Server

KILLS = 20 if os.environ.get("LIVEWALL_TORTURE") else 3


class People(Protocol):
    """Whoever acts on the server: what is under way, and what is called when something left or was answered."""

    under_way: set[Any]
    sent: Callable[[], None]
    heard: Callable[[], None]


class Killer:
    """Kills the server the moment a ballot has left, so that at least that one is not answered; or the moment one was
    acknowledged, so that it had better be in the database."""

    def __init__(self, server: Server, people: People) -> None:
        self.server = server
        self.people = people
        self.done = asyncio.Event()
        self.under_way = 0
        self.at_least = 1.0

    async def strike(self, moment: str, at_least: int) -> None:
        """In the next such moment in which so many are under way; fewer, when that does not come about soon."""
        self.at_least = float(at_least)
        self.done.clear()
        setattr(self.people, moment, self._now)
        await asyncio.wait_for(self.done.wait(), 30)
        assert self.server.process is not None
        await asyncio.to_thread(self.server.process.wait)

    def _now(self) -> None:
        if len(self.people.under_way) < self.at_least:
            self.at_least -= 0.5
            return
        assert self.server.process is not None
        self.server.process.kill()
        self.under_way = len(self.people.under_way)
        self.people.sent = self.people.heard = lambda: None
        self.done.set()
