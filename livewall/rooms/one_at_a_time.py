"""Turns for what is costly to do and of little haste: one has it, and few wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livewall.errors import Busy

MAX_WAITING = 20


class OneAtATime:
    """Lets one at a time do something, in the order in which they came. `what` is the word for it in the error."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = asyncio.Lock()
        self._inside = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn, and have it. Raises Busy (`unavailable`) at once if MAX_WAITING wait already."""
        if self._inside > MAX_WAITING:
            raise Busy("unavailable", f"too many {self._what} at once; try again shortly", retry_after=1)
        self._inside += 1
        try:
            async with self._lock:
                yield
        finally:
            self._inside -= 1
