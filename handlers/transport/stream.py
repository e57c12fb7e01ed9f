"""A connection that the hub can write to directly: Tornado's IOStream with direct sends, which keep their order with
buffered writes.

Bytes in the stream's buffer (a reply, a ping, the rest of a batch) must be sent before the next direct send, so the
reader is `busy` while the buffer holds bytes.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.httputil import HTTPInputError
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, UnsatisfiableReadError

from handlers.transport.lingering import LINGER_SECONDS
from handlers.transport.open_connections import OpenConnections
from livewall.request_deadlines import Patience

log = logging.getLogger("livewall.http")

READ_AHEAD = 2 << 10
"""The number of unread bytes up to which a stream keeps listening."""
NOTSENT_LOWAT = 16 * 1024
SEND_BUFFER = 64 * 1024
PONG = b"\x8a\x80"
"""The beginning of a client's answer to a ping without payload. Four bytes of mask follow (RFC 6455 §5.5.3)."""


class LiveStream(IOStream):
    """An IOStream that reports when its buffer holds bytes, and when its socket is writable again."""

    def __init__(self, *args: Any, connections: OpenConnections | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        super().set_nodelay(True)
        self._connections = connections or OpenConnections()
        self._connections.count += 1
        self.bytes_read = 0
        """The number of bytes that have been read from the socket."""
        self.patience: Patience | None = None
        self.overflow_response: Callable[[], bytes] | None = None
        """Returns the response to a header that is too large."""
        self._is_lingering = False
        self.remaining_lines = 0
        """The number of lines that may still be read. One precedes each chunk of a body."""
        self.on_buffered: Callable[[], None] | None = None
        self.on_empty: Callable[[], None] | None = None
        self._writable_watcher = self._connections.writable_watcher
        self._watched_handle = -1
        self._buffered = b""
        self.on_pong: Callable[[], None] | None = None

    @property
    def has_buffered_bytes(self) -> bool:
        """Whether the buffer holds bytes, so that no direct send may overtake them."""
        return bool(self._buffered) or self.writing()

    def write(self, data: bytes | memoryview) -> asyncio.Future[None]:
        if self._buffered:
            data, self._buffered = self._buffered + bytes(data), b""
        future = super().write(data)
        if self.on_buffered is not None and self.writing():
            self.on_buffered()
            future.add_done_callback(self._write_done)
        return future

    def send_soon(self, data: bytes) -> None:
        """Send what the socket takes now, and the rest when it can be sent. This saves the future that each call of
        `write` makes."""
        if self.closed():
            return
        if self.has_buffered_bytes:
            self.write(data)
            return
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.close(exc_info=error)
            return
        if sent < len(data):
            self.keep(data[sent:])

    def _write_done(self, future: asyncio.Future[None]) -> None:
        if not future.cancelled():
            future.exception()  # the close callback reports a closed stream
        self._report_empty()

    def _report_empty(self) -> None:
        if self.on_empty is not None and not self.closed() and not self.has_buffered_bytes:
            self.on_empty()

    def keep(self, unsent: bytes) -> None:
        """Buffer the rest of a direct send, send it as soon as there is room, and call `empty` once it is sent."""
        if self.closed():
            return
        if self.writing():
            self.write(unsent)
            return
        self._buffered += unsent
        if self.on_buffered is not None:
            self.on_buffered()
        self.watch()

    def watch(self) -> None:
        """Call `empty` once the socket is writable again."""
        if self._watched_handle < 0 and not self.closed() and not self.writing():
            self._watched_handle = self.socket.fileno()
            self._writable_watcher.add(self._watched_handle, self)

    def on_writable(self) -> None:
        """Continue after the socket has become writable."""
        self._watched_handle = -1
        if self._buffered:
            try:
                self._buffered = self._buffered[self.socket.send(self._buffered) :]
            except BlockingIOError:
                pass
            except OSError as error:
                self.close(exc_info=error)
                return
            if self._buffered:
                self.watch()
                return
        self._report_empty()  # if Tornado writes as well, `_left` will call it

    def _handle_events(self, fd: Any, events: int) -> None:
        """Handle events as Tornado does, but keep listening while a few bytes are unread (the body after a header, the
        rest of a frame). Tornado would stop listening and start again a moment later."""
        if self.closed():
            return
        try:
            if events & IOLoop.READ:
                self._handle_read()
            if not self.closed() and events & IOLoop.WRITE:
                self._handle_write()
            if self.closed():
                return
            if events & IOLoop.ERROR:
                self.error = self.get_fd_error()
                self.io_loop.add_callback(self.close)  # after the bytes that were read are delivered
                return
            listens = self.reading() or (not self.writing() and self._read_buffer_size <= READ_AHEAD)
            state = IOLoop.ERROR | (IOLoop.READ if listens else 0) | (IOLoop.WRITE if self.writing() else 0)
            if state != self._state:
                self._state = state
                self.io_loop.update_handler(self.fileno(), state)
        except UnsatisfiableReadError as error:
            self.close(exc_info=error)
        except Exception as error:
            log.exception("handling an event of a connection failed")
            self.close(exc_info=error)
            raise

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read from the socket, and handle a pong that arrives alone directly. It only shows that the client is alive,
        and its way through the three reads of a frame would be most of the cost of an idle reader."""
        size = super().read_from_fd(buf)
        while size == 6 and self.on_pong is not None and bytes(buf[:2]) == PONG and self._begins_frame():
            self.on_pong()
            size = super().read_from_fd(buf)
        if size:
            self.bytes_read += size
        return size

    def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """Read a line. Tornado reads only the sizes of chunks this way. Raises HTTPInputError beyond `lines_left`."""
        self.remaining_lines -= 1
        if self.remaining_lines < 0:
            raise HTTPInputError("the body has too many chunks; send it in larger ones")
        return super().read_until(delimiter, max_bytes)

    @property
    def unread(self) -> int:
        """The number of bytes that have arrived and have not been read yet."""
        return self._read_buffer_size

    @property
    def bytes_sent(self) -> int:
        """The number of bytes that the peer has taken of what Tornado wrote."""
        return self._total_write_done_index

    def discard(self, size: int) -> None:
        """Discard so many bytes that have arrived. No read may be under way."""
        del self._read_buffer[:size]
        self._read_buffer_size -= size

    def has_unread(self, size: int) -> bool:
        """Return whether at least so many bytes have arrived that have not been read yet."""
        return self._read_buffer_size >= size

    def _begins_frame(self) -> bool:
        """Return whether the next byte begins a frame: its first two bytes are awaited, and none has arrived yet."""
        return self._read_bytes == 2 and not self._read_partial and self._read_buffer_size == 0

    # -- leaving

    def refuse(self, answer: bytes) -> None:
        """Send a last response, and close in a way that lets it arrive."""
        if not self.closed():
            self.send_soon(answer)
            self.linger()

    def linger(self) -> None:
        """Close once everything is sent, and discard input for a moment. If bytes lay unread, the kernel would reset
        the connection, and the reset would overtake the last response (RFC 9112 §9.6)."""
        if self.closed() or self._is_lingering:
            return
        self._is_lingering = True
        if self.has_buffered_bytes:
            self.write(b"").add_done_callback(lambda future: self.close())
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self.close)
        else:
            self.close()

    def close(self, exc_info: Any = False) -> None:
        if isinstance(exc_info, UnsatisfiableReadError) and self.overflow_response is not None and not self.closed():
            if not self.has_buffered_bytes:
                self.send_soon(self.overflow_response())
            self._is_lingering = True
        super().close(exc_info)

    def _signal_closed(self) -> None:
        if self.error is not None:
            # Its frames hold this stream, which must not wait for the garbage collector after a reader was cut off.
            self.error.__traceback__ = None
        super()._signal_closed()

    def close_fd(self) -> None:
        # Before the number can belong to another connection.
        if self._watched_handle >= 0:
            self._writable_watcher.remove(self._watched_handle)
            self._watched_handle = -1
        self._connections.waiting.pop(self, None)
        # The socket leaves this stream and is read elsewhere: the stream and its buffers would cost more than the wait.
        if self._is_lingering and not self.writing():
            left, self.socket = self.socket, None  # type: ignore[assignment]
            self._connections.lingering.add(left)
            return
        self._connections.count -= 1
        super().close_fd()

    def set_nodelay(self, value: bool) -> None:
        """Leave the option on: responses are written as a whole, and Tornado would change it twice for each."""

    def start_direct_sends(
        self, on_buffered: Callable[[], None], on_empty: Callable[[], None], on_pong: Callable[[], None] | None = None
    ) -> None:
        """Let the hub send directly from now on. `pong`, for a WebSocket, is called for each answer to a ping."""
        self._connections.waiting.pop(self, None)
        self.patience = None
        # The kernel takes little that it cannot send yet: a slow reader gets the newest tally, not a queue of old ones.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_LOWAT)
        self.on_buffered = on_buffered
        self.on_empty = on_empty
        self.on_pong = on_pong
        if self.writing():
            on_buffered()
            self.write(b"").add_done_callback(self._write_done)

    def stop_direct_sends(self) -> None:
        self.on_buffered = self.on_empty = self.on_pong = None
