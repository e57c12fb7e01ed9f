"""HTTP/1.1 and WebSockets over a channel, as far as a phone needs them. h11 and wsproto parse and encode.

Errors of the protocols are lost connections here: whoever uses a connection has one error to handle.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import h11
import msgspec
from tornado.httputil import HTTPHeaders
from wsproto import ConnectionType, WSConnection, events
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from livewall.client.calls import AGENT, ANSWER_TIMEOUT
from livewall.rehearsal.channel import Channel, ConnectionLost, ServerAddress
from livewall.rehearsal.network import Link

Headers = dict[str, str]
"""The headers of a request."""

MAX_MESSAGE = 16 << 20  # characters of a WebSocket message
INVALID = "the response is invalid or incomplete"


class Head(NamedTuple):
    """The status and the headers of a response."""

    status: int
    headers: HTTPHeaders

    @classmethod
    def of(cls, status: int, headers: Iterable[tuple[bytes, bytes]]) -> Head:
        found = HTTPHeaders()
        for name, value in headers:
            found.add(name.decode("latin-1"), value.decode("latin-1"))
        return cls(status, found)


class Response(NamedTuple):
    status: int
    headers: HTTPHeaders
    body: bytes
    server_seconds: float | None
    """The time from the last byte of the request to that of the response, without simulated delays and pauses."""

    def json(self) -> Any:
        """Return the decoded JSON, or None if the body is not JSON."""
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(self.body)
        return None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Incoming:
    """What arrives on a channel, in order, until `hand_over` gives it to somebody else."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        channel.sink, channel.ended = self._pieces.put_nowait, lambda: self._pieces.put_nowait(b"")

    async def read(self) -> bytes:
        """Return the bytes that arrive next, or none when the connection has ended, as h11 wants it."""
        return await self._pieces.get()

    def hand_over(self, sink: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        """Pass on what has arrived, and from now on what arrives."""
        self._channel.sink, self._channel.ended = sink, ended
        while not self._pieces.empty():
            if piece := self._pieces.get_nowait():
                sink(piece)
            else:
                ended()


def encode_request(
    http: h11.Connection, method: str, path: str, server: ServerAddress, headers: Headers, body: bytes = b""
) -> bytes:
    """Return the bytes of a request, and note in `http` that it was sent."""
    fields = [("Host", server.netloc), ("User-Agent", AGENT), *headers.items()]
    if body or method in ("PUT", "POST", "DELETE"):
        fields.append(("Content-Length", str(len(body))))
    request = h11.Request(method=method, target=path, headers=_encoded(fields))
    parts = (http.send(request), http.send(h11.Data(data=body)) if body else b"", http.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


def _encoded(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


async def next_event(http: h11.Connection, incoming: Incoming) -> h11.Event:
    """Return the next event of a response. Raises ConnectionLost if it is invalid or incomplete."""
    try:
        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(await incoming.read())
    except h11.RemoteProtocolError as problem:
        raise ConnectionLost(f"{INVALID}: {problem}") from None
    assert isinstance(event, h11.Event)  # h11 is paused only between responses, and after an upgrade
    return event


async def read_head(http: h11.Connection, incoming: Incoming) -> Head:
    """Return the head of the response that is not informational. Raises ConnectionLost."""
    while not isinstance(event := await next_event(http, incoming), h11.Response):
        pass
    return Head.of(event.status_code, event.headers)


async def read_response(http: h11.Connection, incoming: Incoming) -> tuple[Head, bytes]:
    """Return the head and the body of a response. Raises ConnectionLost, also if the body is cut short."""
    head, body = await read_head(http, incoming), bytearray()
    while not isinstance(event := await next_event(http, incoming), h11.EndOfMessage):
        if isinstance(event, h11.Data):
            body += event.data
    if head.headers.get("content-encoding", "").lower() == "gzip":
        return head, zlib.decompress(body, 47)
    return head, bytes(body)


class HttpConnection:
    """A persistent HTTP connection, which is opened again after a loss."""

    def __init__(self, server: ServerAddress, link: Link) -> None:
        self.server = server
        self.link = link
        self._channel: Channel | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def request(
        self, method: str, path: str, headers: Headers, body: bytes = b"", *, patience: float = ANSWER_TIMEOUT
    ) -> Response:
        """Send a request and return the response. Raises ConnectionLost, also after `patience` seconds."""
        if self._channel is None or not self._channel.open:
            self._channel = await Channel.connect(self.server, self.link)
            self._http = h11.Connection(h11.CLIENT)
        channel, incoming = self._channel, Incoming(self._channel)
        try:
            channel.send(encode_request(self._http, method, path, self.server, headers, body))
            async with asyncio.timeout(patience):
                head, content = await read_response(self._http, incoming)
        except TimeoutError:
            self.close()
            raise ConnectionLost("no response arrived in time") from None
        except BaseException:
            self.close()
            raise
        response = Response(head.status, head.headers, content, channel.server_seconds())
        self._reuse_or_close()
        return response

    @property
    def channel(self) -> Channel | None:
        return self._channel

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _reuse_or_close(self) -> None:
        """Close the connection unless another request may follow: bytes after the response would answer it."""
        reusable = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if reusable and not self._http.trailing_data[0]:
            self._http.start_next_cycle()
        else:
            self.close()


class Stream:
    """A response without end: server-sent events. `closed` is settled when the connection ends."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._incoming = Incoming(channel)
        self._http = h11.Connection(h11.CLIENT)

    async def open(self, path: str, headers: Headers, server: ServerAddress) -> Head:
        """Send the request and return the head of the response.

        The body is delivered after `start`. Raises ConnectionLost.
        """
        self.channel.send(encode_request(self._http, "GET", path, server, headers))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                return await read_head(self._http, self._incoming)
        except TimeoutError:
            raise ConnectionLost("no response arrived in time") from None

    def start(self, receive: Callable[[bytes], None]) -> None:
        """Deliver the body to `receive`, including bytes that have arrived. Call it immediately after `open`."""
        self._receive = receive
        self._deliver()
        self._incoming.hand_over(self._feed, self._end)

    def _feed(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._deliver()

    def _deliver(self) -> None:
        try:
            while isinstance(event := self._http.next_event(), h11.Data):
                self._receive(bytes(event.data))
        except h11.RemoteProtocolError:
            self.channel.close()
            return
        if isinstance(event, h11.EndOfMessage):
            self.channel.close()

    def _end(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


class Socket:
    """A WebSocket. `code` and `reason` are those with which it was closed; `closed` is settled when it has ended."""

    code: int | None = None
    reason = ""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._incoming = Incoming(channel)
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._text = ""  # of a message that is not complete

    async def open(self, path: str, headers: Headers, server: ServerAddress) -> Head:
        """Send the handshake and return its response: status 101, or a refusal. Raises ConnectionLost."""
        fields = _encoded([("User-Agent", AGENT), *headers.items()])
        self._send(events.Request(host=server.netloc, target=path, extra_headers=fields))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                return await self._read_head()
        except TimeoutError:
            raise ConnectionLost("no response arrived in time") from None
        except RemoteProtocolError as problem:
            raise ConnectionLost(f"{INVALID}: {problem}") from None

    def start(self, receive: Callable[[str], None]) -> None:
        """Deliver each message to `receive`, including those that have arrived. Call it immediately after `open`."""
        self._receive = receive
        self._deliver()
        self._incoming.hand_over(self._feed, self._end)

    def send(self, message: Any) -> None:
        """Send a message as JSON. Raises ConnectionLost."""
        self._send(events.TextMessage(data=msgspec.json.encode(message).decode()))

    async def _read_head(self) -> Head:
        while True:
            for event in self._protocol.events():
                if isinstance(event, events.AcceptConnection):
                    return Head.of(101, event.extra_headers)
                if isinstance(event, events.RejectConnection):
                    return Head.of(event.status_code, event.headers)
            self._protocol.receive_data(await self._incoming.read())

    def _send(self, event: events.Event) -> None:
        try:
            self.channel.send(self._protocol.send(event))
        except LocalProtocolError:  # the server has closed the WebSocket, but not yet the connection
            raise ConnectionLost("the WebSocket is closed") from None

    def _feed(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._deliver()

    def _deliver(self) -> None:
        for event in self._protocol.events():
            if isinstance(event, events.TextMessage):
                self._text += event.data
                if event.message_finished:
                    text, self._text = self._text, ""
                    self._receive(text)
                elif len(self._text) > MAX_MESSAGE:
                    self.channel.close()
                    return
            elif isinstance(event, events.Ping):
                with suppress(ConnectionLost):
                    self._send(event.response())
            elif isinstance(event, events.CloseConnection):  # also what wsproto makes of invalid frames
                self.code, self.reason = event.code, event.reason or ""
                self.channel.close()
                return

    def _end(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
