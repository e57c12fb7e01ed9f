"""When to try again to reach a host, and when to give up."""

from __future__ import annotations

import asyncio
import random
import time

from livewall.tasks.connector.problems import Failed, Refused

SHORTEST, LONGEST = 0.05, 5.0
"""Seconds between two tries. They grow, and are random, so that hosts are not tried again all at once."""


class Patience:
    """The tries to reach one host. `within` is the time in seconds for the first; None waits without end."""

    def __init__(self, name: str, within: float | None) -> None:
        self._name = name
        self._until = None if within is None else time.monotonic() + within
        self._pause = SHORTEST
        self._since: float | None = None

    def reached(self) -> None:
        """Forget the tries before."""
        self._pause = SHORTEST
        self._since = None

    def refused(self, reason: str, *, started: bool) -> str:
        """Return what to say about a try that failed. Raises Failed if it was the last one."""
        if not started and self._until is not None and time.monotonic() >= self._until:
            raise Failed(f"{self._name} cannot be reached: {reason}")
        if self._since is None:
            self._since = time.time()
        since = time.strftime("%H:%M:%S", time.localtime(self._since))
        return f"{self._name} is not reachable since {since}: {reason}; trying again"

    def failed(self, problem: Failed, *, started: bool) -> str:
        """Return what to say about a login that is refused to what runs already. Otherwise raises `problem`."""
        if started and isinstance(problem, Refused):
            return self.refused(str(problem), started=True)
        raise problem

    async def pause(self) -> None:
        """Wait until the next try."""
        pause = random.uniform(0.5, 1.0) * self._pause
        left = 0.0 if self._until is None else self._until - time.monotonic()
        if left > 0:
            pause = min(pause, left)  # the last try comes when the time is over
        await asyncio.sleep(pause)
        self._pause = min(LONGEST, self._pause * 2)
