"""Sockets that linger after the last response: input is discarded for a moment, then they are closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

LINGER_SECONDS = 10.0
LINGER_BYTES = 9 << 20
"""The number of bytes that are discarded: somewhat more than the largest body that may be refused."""
MOST = 256
"""The number of sockets of one server that may linger at once. Beyond it, the oldest is closed."""
READS = 16
"""The number of reads of one turn of the event loop."""


class _Left:
    __slots__ = ("rest", "timer")

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self.rest = LINGER_BYTES
        self.timer = timer


class Lingering:
    """Calls `ended` once for each socket that was added and is now closed."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._left: dict[socket.socket, _Left] = {}
        self._scratch = bytearray(0)

    def __len__(self) -> int:
        return len(self._left)

    def add(self, left: socket.socket) -> None:
        """Tell the peer that nothing more will be sent, and go on reading."""
        try:
            left.shutdown(socket.SHUT_WR)
        except OSError:  # the peer has disconnected
            left.close()
            self._ended()
            return
        if len(self._left) >= MOST:
            self._end(next(iter(self._left)))
        if not self._scratch:
            self._scratch = bytearray(64 << 10)
        loop = asyncio.get_running_loop()
        self._left[left] = _Left(loop.call_later(LINGER_SECONDS, self._end, left))
        loop.add_reader(left, self._drop, left)

    def _drop(self, left: socket.socket) -> None:
        held = self._left[left]
        for _ in range(READS):
            try:
                size = left.recv_into(self._scratch)
            except BlockingIOError:
                return
            except OSError:
                size = 0
            if not size:
                self._end(left)
                return
            held.rest -= size
            if held.rest <= 0:  # the peer gets the remaining time to read the response
                asyncio.get_running_loop().remove_reader(left)
                return

    def _end(self, left: socket.socket) -> None:
        held = self._left.pop(left)
        held.timer.cancel()
        asyncio.get_running_loop().remove_reader(left)
        left.close()
        self._ended()

    def close(self) -> None:
        for left in list(self._left):
            self._end(left)
