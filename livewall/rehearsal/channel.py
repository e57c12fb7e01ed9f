"""One TCP connection through the weather: bytes are held back on their way in and out as the link says.

What waits to come in is limited; beyond, the socket is not read, so that the server feels a slow phone as it would a
real one. `written_at` and `raw_at` say when bytes met the real network: between them lies the server's share of a wait.
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
MAX_INCOMING_BYTES = 64 << 10  # bytes on their way in
SMALL_BUFFER = 16 << 10  # of the kernel's, for a connection that may be slow
GHOST_SECONDS = 30.0  # for which a phone that left the room without a word keeps its connection


class ConnectionLost(ConnectionError):
    """The connection ended, or there is none: what was asked may have been carried out."""


class ServerAddress(NamedTuple):
    """Where a server is: looked up once, for everybody."""

    host: str
    netloc: str
    origin: str
    family: int
    address: Any
    ssl_context: ssl.SSLContext | None


async def resolve(url: str) -> ServerAddress:
    """Raises OSError where there is no such host, or nobody answers there."""
    parts = urlsplit(url)
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    family, address = await _reachable_address(host, port)
    secure = ssl.create_default_context() if is_secure else None
    return ServerAddress(host, parts.netloc, f"{parts.scheme}://{parts.netloc}", family, address, secure)


async def _reachable_address(host: str, port: int) -> tuple[int, Any]:
    """The first of a host's addresses at which somebody answers: `localhost` has two. Raises OSError."""
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
    """`sink` takes what arrives, `ended` is called once when there will be no more."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.sink: Callable[[bytes], None] = lambda data: None
        self.ended: Callable[[], None] = lambda: None
        self.open = False
        self.received_at = self.written_at = self.connected_at = 0.0
        self.paused_at = 0.0
        """When the socket was last left unread: a wait that has this in it is not the server's."""
        self._loop = asyncio.get_running_loop()
        self._incoming: deque[tuple[float, float, bytes]] = deque()
        self._outgoing: deque[tuple[float, bytes]] = deque()
        self._incoming_bytes = 0
        self._in_at = self._out_at = 0.0
        self._asleep = self._paused = self._finished = False

    @classmethod
    async def connect(cls, server: ServerAddress, link: Link, *, slow: bool = False) -> Channel:
        """Raises Lost. `slow` is for a connection that stays, and whose reader may not keep up."""
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
            raise ConnectionLost(str(problem) or "nobody answers") from None
        return protocol

    def send(self, data: bytes) -> None:
        """Raises Lost."""
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
        """From the last bytes that left to the last that came; None where we did not read meanwhile."""
        known = self.read_since(self.written_at) and self.received_at >= self.written_at
        return self.received_at - self.written_at if known else None

    def read_since(self, at: float) -> bool:
        """Whether everything that came since then was read at once."""
        return not self._asleep and not self._paused and self.paused_at < at

    def sleep(self, asleep: bool) -> None:
        """Read nothing, as a phone in a pocket does; or go on."""
        self._asleep = asleep
        self._pause_or_resume()

    def close(self) -> None:
        self._discard()
        self._transport.abort()

    def vanish(self) -> None:
        """Out of reach: the server is not told, and finds nobody."""
        self._discard()
        self._transport.pause_reading()
        self._loop.call_later(GHOST_SECONDS, self._transport.abort)

    # -- what asyncio calls

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

    # -- inside

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
        """Forget what is on its way; whoever listens is told at once."""
        self.open = False
        self._incoming.clear()
        self._outgoing.clear()
        self._finish()

    def _finish(self) -> None:
        if not self._finished:
            self._finished = True
            self.ended()
            self.sink, self.ended = lambda data: None, lambda: None
