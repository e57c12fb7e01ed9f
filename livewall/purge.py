"""What is due to be erased is erased in the background: at the start of the server, and again once an hour."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from livewall.errors import LivewallError

log = logging.getLogger(__name__)


class Purge:
    """Runs `purge`, one at a time. `what` it erases is named in the log if that fails."""

    def __init__(self, what: str, purge: Callable[[], Awaitable[None]]) -> None:
        self._what = what
        self._purge = purge
        self._running: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Start `purge` in a task, unless one runs already."""
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._run())

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _run(self) -> None:
        try:
            await self._purge()
        except LivewallError as error:
            log.warning("%s could not be erased; the next attempt is in an hour: %s", self._what, error.message)
        except Exception:  # only the end of the server waits for this task, and it has more to close
            log.exception("%s could not be erased; the next attempt is in an hour", self._what)
