"""A connection the hub can write to directly: Tornado's IOStream, plus direct sends and its own kept in order.

Whatever enters the stream's buffer (a reply, a ping, the rest of a piece) must leave before the next direct send, so
the reader is `busy` for as long as the buffer holds bytes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

NOTSENT_LOWAT = 16 * 1024
SEND_BUFFER = 64 * 1024


class LiveStream(IOStream):
    """An IOStream that tells when its buffer holds bytes, and when bytes can be taken again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held: Callable[[], None] | None = None
        self.empty: Callable[[], None] | None = None
        self._watched = -1

    def write(self, data: bytes | memoryview) -> asyncio.Future[None]:
        future = super().write(data)
        if self.writing():
            self._watched = -1  # Tornado's writer took the place of ours in the loop; `_left` calls `empty`
        if self.held is not None and self.writing():
            self.held()
            future.add_done_callback(self._left)
        return future

    def _left(self, future: asyncio.Future[None]) -> None:
        if not future.cancelled():
            future.exception()  # a closed stream is told by its close callback
        if self.empty is not None and not self.closed() and not self.writing():
            self.empty()

    def keep(self, rest: bytes) -> None:
        """Write what a direct send left, and have `empty` called once it is gone, also when that is at once."""
        if self.closed():
            return
        future = self.write(rest)
        if not self.writing():
            asyncio.get_running_loop().call_soon(self._left, future)

    def watch(self) -> None:
        """Call `empty` once the socket takes bytes again. The buffer is empty, so Tornado itself is not waiting."""
        if self._watched < 0 and not self.closed() and not self.writing():
            if self._state is not None and self._state & IOLoop.WRITE:
                # A later write emptied the buffer at once: Tornado still listens, and would believe so for ever.
                self._state &= ~IOLoop.WRITE
                self.io_loop.update_handler(self.socket, self._state)
                self._maybe_add_error_listener()
            self._watched = self.socket.fileno()
            asyncio.get_running_loop().add_writer(self._watched, self._writable)

    def _writable(self) -> None:
        self._unwatch()
        if self.empty is not None and not self.closed() and not self.writing():
            self.empty()

    def _unwatch(self) -> None:
        if self._watched >= 0:
            handle, self._watched = self._watched, -1
            if not self.writing():  # else the loop's writer is Tornado's own by now
                asyncio.get_running_loop().remove_writer(handle)

    def close_fd(self) -> None:
        # Before the number can belong to another connection.
        if self._watched >= 0:
            asyncio.get_running_loop().remove_writer(self._watched)
            self._watched = -1
        super().close_fd()

    def go_live(self, held: Callable[[], None], empty: Callable[[], None]) -> None:
        """From now on the hub sends directly."""
        self.set_nodelay(True)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_LOWAT)
        self.held = held
        self.empty = empty
        if self.writing():
            held()
            self.write(b"").add_done_callback(self._left)

    def go_still(self) -> None:
        self.held = self.empty = None


class LiveServer(HTTPServer):
    """An HTTPServer whose connections are LiveStreams."""

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        live = LiveStream(stream.socket, max_buffer_size=self.max_buffer_size, read_chunk_size=self.read_chunk_size)
        super().handle_stream(live, address)
