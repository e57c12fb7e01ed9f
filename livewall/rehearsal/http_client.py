"""HTTP/1.1 and WebSockets over a channel, as far as a phone needs them."""

from __future__ import annotations

import asyncio
import base64
import os
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from livewall.client.calls import AGENT, ANSWER_TIMEOUT
from livewall.rehearsal import frames
from livewall.rehearsal.channel import Channel, ConnectionLost, ServerAddress
from livewall.rehearsal.network import Link

Headers = Mapping[str, str]


class Response(NamedTuple):
    status: int
    headers: Headers
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


class ResponseParser:
    """Parses a response. `feed` raises ValueError for invalid HTTP."""

    def __init__(self, *, head_only: bool = False) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.data = b""
        self.complete = False
        self.rest = b""
        """The bytes that followed the response."""
        self._head_only = head_only
        self._size: int | None = None

    def feed(self, data: bytes) -> None:
        self.rest += data
        if not self.status and not self._take_head():
            return
        if self._head_only:
            self.complete = True
        elif self.headers.get("transfer-encoding", "").lower() == "chunked":
            self._take_chunks()
        elif self._size is not None and len(self.rest) >= self._size:
            self.data, self.rest, self.complete = self.rest[: self._size], self.rest[self._size :], True

    def end(self) -> bool:
        """Note that the connection has ended; return whether the response is complete."""
        if self.status and not self.complete and self._size is None and "transfer-encoding" not in self.headers:
            self.data, self.rest, self.complete = self.rest, b"", True
        return self.complete

    def content(self) -> bytes:
        if self.headers.get("content-encoding", "").lower() == "gzip":
            return zlib.decompress(self.data, 47)
        return self.data

    def _take_head(self) -> bool:
        head, found, rest = self.rest.partition(b"\r\n\r\n")
        if not found:
            return False
        top, *lines = head.decode("latin-1").split("\r\n")
        self.status, self.rest = int(top.split()[1]), rest
        for line in lines:
            name, _, value = line.partition(":")
            name = name.lower()
            value = value.strip()
            self.headers[name] = f"{self.headers[name]}\n{value}" if name in self.headers else value
        size = self.headers.get("content-length")
        bare = self.status in (204, 304) or 100 <= self.status < 200
        self._size = 0 if bare else int(size) if size is not None else None
        return True

    def _take_chunks(self) -> None:
        while not self.complete:
            size, found, rest = self.rest.partition(b"\r\n")
            if not found or len(rest) < int(size, 16) + 2:
                return
            length = int(size, 16)
            self.data += rest[:length]
            self.rest = rest[length + 2 :]
            self.complete = not length


def encode_request(method: str, path: str, place: ServerAddress, headers: Headers, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {place.netloc}", f"User-Agent: {AGENT}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method in ("PUT", "POST", "DELETE"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class HttpConnection:
    """A persistent HTTP connection, which is opened again after a loss."""

    def __init__(self, place: ServerAddress, link: Link) -> None:
        self.place = place
        self.link = link
        self._channel: Channel | None = None

    async def request(
        self, method: str, path: str, headers: Headers, body: bytes = b"", *, patience: float = ANSWER_TIMEOUT
    ) -> Response:
        """Send a request and return the response. Raises ConnectionLost, also after `patience` seconds."""
        if self._channel is None or not self._channel.open:
            self._channel = await Channel.connect(self.place, self.link)
        channel, parser = self._channel, ResponseParser()
        try:
            channel.send(encode_request(method, path, self.place, headers, body))
            async with asyncio.timeout(patience):
                await _read_response(channel, parser)
        except TimeoutError:
            self.close()
            raise ConnectionLost("no answer came") from None
        except BaseException:
            self.close()
            raise
        if parser.headers.get("connection", "").lower() == "close":
            self.close()
        return Response(parser.status, parser.headers, parser.content(), channel.server_seconds())

    @property
    def channel(self) -> Channel | None:
        return self._channel

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None


async def _read_response(channel: Channel, parser: ResponseParser) -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def sink(data: bytes) -> None:
        try:
            parser.feed(data)
        except ValueError:
            channel.close()
            return
        if parser.complete and not done.done():
            done.set_result(None)

    def ended() -> None:
        if not done.done():
            if parser.end():
                done.set_result(None)
            else:
                done.set_exception(ConnectionLost("the connection ended before the answer"))

    channel.sink, channel.ended = sink, ended
    try:
        await done
    finally:
        channel.sink, channel.ended = lambda data: None, lambda: None


class Stream:
    """A response without end: server-sent events. `closed` is settled when the connection ends."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self, path: str, headers: Headers, place: ServerAddress) -> ResponseParser:
        """Send the request and return the head of the response.

        The body is delivered after `start`. Raises ConnectionLost.
        """
        head = ResponseParser(head_only=True)
        try:
            self.channel.send(encode_request("GET", path, place, headers))
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await _read_response(self.channel, head)
        except TimeoutError:
            raise ConnectionLost("no answer came") from None
        self._rest = head.rest
        return head

    def start(self, receive: Callable[[bytes], None]) -> None:
        """Deliver the body to `receive`, including bytes that have arrived. Call it immediately after `open`."""
        self.channel.sink, self.channel.ended = receive, self._end
        if self._rest:
            receive(self._rest)
        if not self.channel.open:
            self._end()

    def _end(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


class Socket(Stream):
    """A WebSocket. `code` and `reason` are those with which the server closed it."""

    code: int | None = None
    reason = ""

    async def open(self, path: str, headers: Headers, place: ServerAddress) -> ResponseParser:
        """Send the handshake and return its response: status 101, or a refusal. Raises ConnectionLost."""
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        return await super().open(path, {**headers, **upgrade, "Sec-WebSocket-Key": key}, place)

    def start(self, receive: Callable[[bytes], None]) -> None:
        """Deliver each message to `receive`."""
        self._frames, self._receive = frames.Frames(), receive
        super().start(self._feed)

    def send(self, message: Any) -> None:
        """Send a message as JSON. Raises ConnectionLost."""
        self.channel.send(frames.frame(frames.TEXT, msgspec.json.encode(message)))

    def _feed(self, data: bytes) -> None:
        try:
            messages = self._frames.feed(data)
        except ValueError:
            self.channel.close()
            return
        for opcode, payload in messages:
            if opcode == frames.TEXT:
                self._receive(payload)
            elif opcode == frames.PING:
                with suppress(ConnectionLost):
                    self.channel.send(frames.frame(frames.PONG, payload))
            elif opcode == frames.CLOSE:
                if len(payload) >= 2:
                    self.code, self.reason = int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8", "replace")
                self.channel.close()
                return
