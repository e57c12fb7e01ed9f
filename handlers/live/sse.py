"""Server-sent events (WHATWG HTML §9.2): the same events for clients that cannot use a WebSocket.

The connection is detached from Tornado and written to directly, without chunked encoding, so that every reader gets the
same bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tornado.httputil import HTTPHeaders

from handlers.base import BaseHandler
from handlers.live.connections import Connections
from handlers.live.streams import follow, streams_of
from handlers.transport.stream import LiveStream
from livewall import wire
from livewall.errors import Busy, LivewallError
from livewall.hub.framing import SseFraming
from livewall.hub.reader import Reader, State
from livewall.services import Services

SINGLE_STREAM = SseFraming(shared=True)
MULTIPLE_STREAMS = SseFraming(shared=False)
RETRY_MS = 2000


class SseConnection:
    """A detached connection, as the hub, the heartbeat and the drain see it."""

    transport = "sse"

    def __init__(self, handler: SseHandler, stream: LiveStream, *, several: bool) -> None:
        self.framing = MULTIPLE_STREAMS if several else SINGLE_STREAM
        self.credential = handler.who.credential
        self.reader = Reader(self, handler.who)
        self._services = handler.services
        self._connections = handler.connections
        self._stream = stream
        self._slot = -1
        self.send: Callable[[bytes], int] = stream.socket.send

    def begin(self) -> None:
        """Begin to send. `Hub.start` sends what was attached before."""
        hub = self._services.hub.hub
        self._stream.set_close_callback(self._closed)
        self._stream.start_direct_sends(lambda: hub.busy(self.reader), lambda: hub.ready(self.reader))
        self._connections.add(self)
        self._slot = self._connections.sse_heartbeat.add(self)

    def keep(self, unsent: bytes) -> None:
        self._stream.keep(unsent)

    def watch(self) -> None:
        self._stream.watch()

    def ended(self, stream: str, error: LivewallError) -> None:
        for message in ({"stream": stream, "reset": True}, {"stream": stream, "error": error.body()}):
            self.keep(self.framing.frame(wire.text(message), None))
        if not self.reader.cursors:
            # Later, because the hub is just walking through the readers of the stream.
            asyncio.get_running_loop().call_soon(self._finish)

    def lost(self) -> None:
        self._stream.close()

    def refuse(self, error: LivewallError) -> None:
        self._services.hub.hub.gone(self.reader)
        self.keep(self.framing.frame(wire.text({"error": error.body()}), None))
        self._finish()

    def drain(self, after_ms: int) -> None:
        self._services.hub.hub.gone(self.reader)
        self.keep(f"retry: {after_ms}\n\n".encode())
        self._finish()

    def _finish(self) -> None:
        """Close once the buffered bytes are sent. A client that does not read them is closed at once."""
        if self._stream.has_buffered_bytes:
            asyncio.get_running_loop().call_later(2.0, self._stream.close)
            # An empty write is done when everything before it has been sent.
            self._stream.write(b"").add_done_callback(lambda done: self._stream.close())
        else:
            self._stream.close()

    def _closed(self) -> None:
        self._stream.stop_direct_sends()
        self._services.hub.hub.gone(self.reader)
        self._connections.remove(self)
        self._connections.sse_heartbeat.remove(self, self._slot)

    def heartbeat(self) -> None:
        """Send an event every 15 s. Comments would not do, because scripts cannot see them."""
        if self.reader.state is not State.READY or self._stream.closed():
            return
        positions = self._services.hub.hub.positions(self.reader)
        data = wire.text({"heartbeat": positions, "now": self._services.hub.hub.now()})
        self.keep(f"event: heartbeat\ndata: {data}\n\n".encode())


class SseHandler(BaseHandler):
    """GET /sse/STREAMS"""

    has_head = False

    def initialize(self, services: Services, connections: Connections) -> None:  # type: ignore[override]
        super().initialize(services)
        self.connections = connections

    async def get(self, streams: str) -> None:
        if self.services.draining:
            raise Busy("draining", "the server is stopping")
        names = streams_of(streams)
        # A browser that reconnects by itself repeats the address with its old `since`; its header is newer.
        since = self.request.headers.get("Last-Event-ID") or self.since()
        stream = self.request.connection.stream  # type: ignore[union-attr]
        assert isinstance(stream, LiveStream)
        if stream.closed():  # the client disconnected while it was identified
            return
        connection = SseConnection(self, stream, several=len(names) > 1)
        try:
            await follow(self.services, connection.reader, names, since)
        except LivewallError:
            self.services.hub.hub.gone(connection.reader)
            raise
        if stream.closed():
            self.services.hub.hub.gone(connection.reader)
            return
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        # nginx would otherwise hold events back until its buffer is full.
        self.set_header("X-Accel-Buffering", "no")
        self.set_header("Connection", "close")
        head = response_head(self._headers)
        self.detach()
        # Tornado logs a request when its response is finished, and this response has no end.
        self._log()
        connection.begin()
        connection.keep(head + f"retry: {RETRY_MS}\n\n".encode())
        self.services.hub.hub.start(connection.reader)


def response_head(headers: HTTPHeaders) -> bytes:
    """Return the head of a response whose body ends with the connection (RFC 9112 §6.3)."""
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in headers.get_all()), "", ""]
    return "\r\n".join(lines).encode("latin-1")
