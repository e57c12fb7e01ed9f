"""Sockets that linger after the last response: input is discarded for a moment, then they are closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

LINGER_SECONDS = 10.0
LINGER_BYTES = 9 << 20
"""The number of bytes that are discarded: somewhat more than the largest body that may be refused."""
MAX_SOCKETS = 256
"""The number of sockets of one server that may linger at once. Beyond it, the oldest is closed."""
MAX_READS = 16
"""The number of reads of one turn of the event loop."""


class _State:
    __slots__ = ("remaining", "timer")

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self.remaining = LINGER_BYTES
        self.timer = timer


class Lingering:
    """Calls `ended` once for each socket that was added and is now closed."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._sockets: dict[socket.socket, _State] = {}
        self._scratch = bytearray(0)

    def __len__(self) -> int:
        return len(self._sockets)

    def add(self, connection: socket.socket) -> None:
        """Tell the peer that nothing more will be sent, and keep reading."""
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # the peer has disconnected
            connection.close()
            self._ended()
            return
        if len(self._sockets) >= MAX_SOCKETS:
            self._end(next(iter(self._sockets)))
        if not self._scratch:
            self._scratch = bytearray(64 << 10)
        loop = asyncio.get_running_loop()
        self._sockets[connection] = _State(loop.call_later(LINGER_SECONDS, self._end, connection))
        loop.add_reader(connection, self._drop, connection)

    def _drop(self, connection: socket.socket) -> None:
        state = self._sockets[connection]
        for _ in range(MAX_READS):
            try:
                size = connection.recv_into(self._scratch)
            except BlockingIOError:
                return
            except OSError:
                size = 0
            if not size:
                self._end(connection)
                return
            state.remaining -= size
            if state.remaining <= 0:  # the peer gets the remaining time to read the response
                asyncio.get_running_loop().remove_reader(connection)
                return

    def _end(self, connection: socket.socket) -> None:
        state = self._sockets.pop(connection)
        state.timer.cancel()
        asyncio.get_running_loop().remove_reader(connection)
        connection.close()
        self._ended()

    def close(self) -> None:
        for connection in list(self._sockets):
            self._end(connection)
