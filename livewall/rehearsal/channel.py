"""One TCP connection over a simulated network: bytes are delayed in both directions as the link says.

If too many delayed bytes have arrived, the socket is not read, so that the server experiences a slow phone as it would
a real one. `written_at` and `received_at` are the times on the real network; their difference is the server's share.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from livewall.rehearsal.network import Link

CONNECT_SECONDS = 10.0
MAX_INCOMING_BYTES = 64 << 10  # of delayed bytes that have arrived
SMALL_BUFFER = 16 << 10  # the kernel's receive buffer of a connection that may be slow
GHOST_SECONDS = 30.0  # for which a phone that is out of reach keeps its connection open


class ConnectionLost(ConnectionError):
    """The connection ended or could not be made. A request may have been carried out."""


class ServerAddress(NamedTuple):
    """The address of the server, resolved once for all connections."""

    host: str
    netloc: str
    origin: str
    family: int
    address: Any
    ssl_context: ssl.SSLContext | None


async def resolve(url: str) -> ServerAddress:
    """Resolve the address of a server. Raises OSError if there is no such host, or it does not accept connections."""
    parts = urlsplit(url)
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    family, address = await _reachable_address(host, port)
    secure = ssl.create_default_context() if is_secure else None
    netloc = parts.netloc.rpartition("@")[2].encode("idna").decode()  # as browsers send it
    return ServerAddress(host, netloc, f"{parts.scheme}://{netloc}", family, address, secure)


async def _reachable_address(host: str, port: int) -> tuple[int, Any]:
    """Return the first address of a host that accepts connections: `localhost` has two. Raises OSError."""
    loop = asyncio.get_running_loop()
    problem: OSError | None = None
    for family, kind, _, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind) as probe:
            probe.setblocking(False)
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await loop.sock_connect(probe, address)
                return family, address
            except OSError as error:  # of which TimeoutError is one
                problem = error
    raise problem or OSError(f"{host} has no address")


class Channel(asyncio.Protocol):
    """A connection. `sink` is called with bytes that arrive, and `ended` once when it has ended."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.sink: Callable[[bytes], None] = lambda data: None
        self.ended: Callable[[], None] = lambda: None
        self.open = False
        self.received_at = self.written_at = self.connected_at = 0.0
        self.paused_at = 0.0
        """When reading was paused or resumed last. A measurement across that time would include the pause."""
        self._loop = asyncio.get_running_loop()
        self._incoming: deque[tuple[float, float, bytes]] = deque()
        self._outgoing: deque[tuple[float, bytes]] = deque()
        self._incoming_bytes = 0
        self._in_at = self._out_at = 0.0
        self._asleep = self._paused = self._finished = False

    @classmethod
    async def connect(cls, server: ServerAddress, link: Link, *, slow: bool = False) -> Channel:
        """Open a connection. `slow` is for a long-lived one whose reader may not keep up. Raises ConnectionLost."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                sock = socket.socket(server.family, socket.SOCK_STREAM)
                try:
                    sock.setblocking(False)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if slow and not link.clear:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
                    await loop.sock_connect(sock, server.address)
                    name = server.host if server.ssl_context else None
                    _, protocol = await loop.create_connection(
                        lambda: cls(link), sock=sock, ssl=server.ssl_context, server_hostname=name
                    )
                except BaseException:
                    sock.close()
                    raise
        except OSError as problem:
            raise ConnectionLost(str(problem) or "the server did not answer") from None
        return protocol

    def send(self, data: bytes) -> None:
        """Send data after the delay of the link. Raises ConnectionLost."""
        if not self.open:
            raise ConnectionLost("the connection is lost")
        if self.link.clear:
            self._write(data)
            return
        now = self._loop.time()
        self._out_at = self.link.arrival(now, len(data), self._out_at)
        self._outgoing.append((self._out_at, data))
        if len(self._outgoing) == 1:
            self._loop.call_at(self._out_at, self._flush)

    def server_seconds(self) -> float | None:
        """Return the time from the last bytes sent to the last received, or None if reading was paused meanwhile."""
        known = self.read_since(self.written_at) and self.received_at >= self.written_at
        return self.received_at - self.written_at if known else None

    def read_since(self, at: float) -> bool:
        """Return whether everything that arrived since then was read at once."""
        return not self._asleep and not self._paused and self.paused_at < at

    def sleep(self, asleep: bool) -> None:
        """Stop reading, as a sleeping phone does, or resume."""
        self._asleep = asleep
        self._pause_or_resume()

    def close(self) -> None:
        self._discard()
        self._transport.abort()

    def vanish(self) -> None:
        """Stop as if out of reach: the server is not notified, and its data is not read."""
        self._discard()
        self._transport.pause_reading()
        self._loop.call_later(GHOST_SECONDS, self._transport.abort)

    # -- called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.open = True
        self.connected_at = self._loop.time()

    def data_received(self, data: bytes) -> None:
        if self._finished:
            return
        now = self._loop.time()
        if self.link.clear:
            self.received_at = now
            self.sink(data)
            return
        self._in_at = self.link.arrival(now, len(data), self._in_at)
        self._incoming.append((self._in_at, now, data))
        self._incoming_bytes += len(data)
        if len(self._incoming) == 1:
            self._loop.call_at(self._in_at, self._deliver)
        if self._incoming_bytes > MAX_INCOMING_BYTES:
            self._pause_or_resume()

    def connection_lost(self, problem: Exception | None) -> None:
        self.open = False
        if not self._incoming:
            self._finish()

    # -- internals

    def _write(self, data: bytes) -> None:
        self.written_at = self._loop.time()
        self._transport.write(data)

    def _flush(self) -> None:
        while self._outgoing and self._outgoing[0][0] <= self._loop.time():
            self._write(self._outgoing.popleft()[1])
        if self._outgoing:
            self._loop.call_at(self._outgoing[0][0], self._flush)

    def _deliver(self) -> None:
        while self._incoming and self._incoming[0][0] <= self._loop.time():
            _, self.received_at, data = self._incoming.popleft()
            self._incoming_bytes -= len(data)
            self.sink(data)
        if self._incoming:
            self._loop.call_at(self._incoming[0][0], self._deliver)
        elif not self.open:
            self._finish()
        self._pause_or_resume()

    def _pause_or_resume(self) -> None:
        if not self.open:
            return
        full = self._asleep or self._incoming_bytes > MAX_INCOMING_BYTES
        if full != self._paused:
            self._paused = full
            self.paused_at = self._loop.time()
            (self._transport.pause_reading if full else self._transport.resume_reading)()

    def _discard(self) -> None:
        """Discard delayed bytes, and call `ended` at once."""
        self.open = False
        self._incoming.clear()
        self._outgoing.clear()
        self._finish()

    def _finish(self) -> None:
        if not self._finished:
            self._finished = True
            self.ended()
            self.sink, self.ended = lambda data: None, lambda: None
