"""Reads standard input to its end in a thread, whatever happens to the data.

A pipe that is closed early would end its writer with SIGPIPE: a build would fail because its log cannot be shown.
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
"""How many bytes are read ahead while they are being sent."""
STALLED_SECONDS = 5.0
"""Seconds without progress after which the writer of a pipe is not made to wait any longer."""


class PipeReader:
    """Reads a file descriptor. Make it on the loop that consumes the bytes.

    A file is read as fast as its bytes are acknowledged. A pipe is read on even if nothing is acknowledged; the spool
    then keeps a part of the bytes, and `lost` counts the others.
    """

    def __init__(self, fd: int, new_spool: Callable[[], Spool]) -> None:
        self._fd = fd
        self.is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        """Whether it is a file, so that reading slowly holds up no writer."""
        self._spool = new_spool()
        self._space = Condition()
        self._dropping = False
        self._dropped = 0
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self.acknowledged_at = time.monotonic()
        self.ended_at = math.inf
        """The monotonic time at which the end was reached; infinite before."""
        Thread(target=self._read, name="livewall pipe", daemon=True).start()

    @property
    def lost(self) -> int:
        """How many bytes were left out or discarded so far."""
        return self._spool.left_out + self._dropped

    @property
    def unsent(self) -> int:
        return len(self._spool)

    async def next(self, seconds: float) -> bytes | None:
        """Return the next bytes, the same ones until `acknowledge`.

        They are empty if none arrive within `seconds`; None means the end.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._spool and self.ended_at == math.inf:
                    self._arrived.clear()
                    await self._arrived.wait()
        data = self._spool.peek(PART_BYTES)
        return None if not data and self.ended_at < math.inf else data

    def acknowledge(self, count: int) -> None:
        """Note that so many bytes were sent; with 0, that the server was reached."""
        with self._space:
            self._spool.drop(count)
            self.acknowledged_at = time.monotonic()
            self._space.notify()

    async def discard_rest(self) -> None:
        """Read the rest to its end and discard it."""
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
            pass  # a read error counts as the end
        self.ended_at = time.monotonic()
        self._wake()

    def _may_wait(self) -> bool:
        return self.is_file or time.monotonic() - self.acknowledged_at < STALLED_SECONDS

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._arrived.set)
