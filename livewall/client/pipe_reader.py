"""What is piped in, read to its end by a thread of its own, whatever becomes of what was read.

Whoever writes into the pipe is never told that nobody reads: that would end a build because its log cannot be shown.
"""

from __future__ import annotations

import asyncio
import math
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread

from livewall.client.logs import PART_BYTES
from livewall.client.spool import Spool

READ_AHEAD_BYTES = 8 << 20
"""Bytes that are read before they are taken, while they are being taken."""
STALLED_SECONDS = 5.0
"""Seconds without anything taken after which whoever writes into a pipe waits no longer."""


class PipeReader:
    """The bytes of a file descriptor on their way. Made on the loop that takes them.

    A file on a disk is read no faster than it is taken. A pipe is read at once when nothing is taken; `new_spool` says
    how much is kept of it then, and `lost` how many bytes were not.
    """

    def __init__(self, fd: int, new_spool: Callable[[], Spool]) -> None:
        self._fd = fd
        self.is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        """Whether it is still there later, so that nobody is held up by it."""
        self._spool = new_spool()
        self._space = Condition()
        self._dropping = False
        self._dropped = 0
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self.acknowledged_at = time.monotonic()
        self.ended_at = math.inf
        """The monotonic time at which all had been read."""
        Thread(target=self._read, name="livewall pipe", daemon=True).start()

    @property
    def lost(self) -> int:
        """Bytes that were left out or dropped so far."""
        return self._spool.left_out + self._dropped

    @property
    def unsent(self) -> int:
        return len(self._spool)

    async def next(self, seconds: float) -> bytes | None:
        """The next bytes, the same ones until `taken`; empty where none came within `seconds`, None at the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._spool and self.ended_at == math.inf:
                    self._arrived.clear()
                    await self._arrived.wait()
        data = self._spool.peek(PART_BYTES)
        return None if not data and self.ended_at < math.inf else data

    def acknowledge(self, count: int) -> None:
        """So many of the bytes have reached their place; nought: they could have."""
        with self._space:
            self._spool.drop(count)
            self.acknowledged_at = time.monotonic()
            self._space.notify()

    async def discard_rest(self) -> None:
        """Read the rest to its end and keep nothing of it."""
        with self._space:
            self._dropping = True
            self._dropped += len(self._spool)
            self._spool.drop(len(self._spool))
            self._space.notify()
        while not self.is_file and self.ended_at == math.inf:
            self._arrived.clear()
            await self._arrived.wait()

    def _read(self) -> None:
        try:
            while data := os.read(self._fd, PART_BYTES):
                with self._space:
                    if self._dropping:
                        self._dropped += len(data)
                        if self.is_file:
                            break
                        continue
                    self._spool.write(data)
                    self._wake()
                    while len(self._spool) > READ_AHEAD_BYTES and self._may_wait() and not self._dropping:
                        self._space.wait(STALLED_SECONDS / 10)
        except OSError:
            pass  # nothing more can be read of it
        self.ended_at = time.monotonic()
        self._wake()

    def _may_wait(self) -> bool:
        return self.is_file or time.monotonic() - self.acknowledged_at < STALLED_SECONDS

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._arrived.set)
