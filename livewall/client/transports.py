"""The four transports. Each is an async generator of messages.

A transport yields `DELIVERING` when it has proved that it works, and then messages. It ends with `ConnectionEnded`
(connect again, perhaps with another transport), with `Refusal` (do not), or when its caller closes it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketError, websocket_connect

from livewall.client.calls import (
    CONNECT_TIMEOUT,
    HttpConnection,
    NotReached,
    Refusal,
    Server,
    Unclear,
    reason,
    refusal,
    retry_after,
)
from livewall.client.stream_state import Message
from livewall.terminal import readable

DELIVERING: Message = {}

WS_TIMEOUT = 45.0  # a heartbeat comes every 20 s
SSE_TIMEOUT = 35.0  # … every 15 s
SSE_FIRST_TIMEOUT = 5.0  # from connecting on; a proxy that buffers would never deliver the start
LONG_POLL_SECONDS = 25.0
POLL_INTERVAL = 2.0
CLOSE_SECONDS = 1.0  # for the other side to close as well

Positions = Callable[[], Sequence[str | None]]  # returns the present positions of the streams
Transport = Callable[[Server, Sequence[str], Positions], AsyncGenerator[Message, None]]


class ConnectionEnded(Exception):
    """The connection ended, and the client should connect again.

    `reached` is false if no server was reached, `silent` true if the connection was given up because nothing arrived,
    and `sent_away` true if the server itself closed it. `hint` is the delay in seconds that the server asks for.
    """

    def __init__(
        self,
        why: str,
        *,
        reached: bool = True,
        silent: bool = False,
        sent_away: bool = False,
        hint: float | None = None,
    ) -> None:
        super().__init__(why)
        self.reached = reached
        self.silent = silent
        self.sent_away = sent_away
        self.hint = hint


def address(server: Server, kind: str, streams: Sequence[str], positions: Positions, **query: Any) -> str:
    """Return the address of a transport. `since` has the order of the streams; an empty element means no position."""
    since = positions()
    if any(since):
        query["since"] = ",".join(position or "" for position in since)
    path = f"{server.url}/{kind}/{quote(readable(','.join(streams)), safe='/,')}"
    return path + ("?" + urlencode(query, safe=",~") if query else "")


async def websocket(server: Server, streams: Sequence[str], positions: Positions) -> AsyncGenerator[Message, None]:
    url = address(server, "ws", streams, positions)
    connection = await _upgrade(server, "ws" + url.removeprefix("http"))
    text: str | bytes | None = ""
    try:
        yield DELIVERING
        while True:
            try:
                text = await asyncio.wait_for(_read(connection), WS_TIMEOUT)
            except TimeoutError:
                raise ConnectionEnded("the connection fell silent", silent=True) from None
            if text is None:
                raise _close_error(connection.close_code, connection.close_reason)
            yield _decode(text)
    finally:
        connection.close()
        if text is not None:
            await _closed(connection)


async def _closed(connection: WebSocketClientConnection) -> None:
    """Wait a moment for the server to close a connection as well: a loop that ends before leaves the socket open."""
    with suppress(TimeoutError, StreamClosedError):
        async with asyncio.timeout(CLOSE_SECONDS):
            while await connection.read_message() is not None:
                pass


async def _upgrade(server: Server, url: str) -> WebSocketClientConnection:
    request = HTTPRequest(url, headers=server.headers(), connect_timeout=CONNECT_TIMEOUT, request_timeout=10)
    connecting = asyncio.ensure_future(websocket_connect(request, max_message_size=16 << 20))
    connecting.add_done_callback(lambda done: done.cancelled() or done.exception())  # also if nobody waits any more
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        # Tornado keeps opening the connection, whoever waits for it.
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                connection = await asyncio.shield(connecting)
                connection.close()
                await _closed(connection)
        raise
    except HTTPError as problem:
        # Livewall refuses streams on an open socket. A status comes from a proxy, or from a server that drains.
        raise _server_unavailable(problem.code, retry_after(problem.response) if problem.response else None) from None
    except (StreamClosedError, WebSocketError, ConnectionResetError) as problem:
        raise ConnectionEnded(str(problem) or "no WebSocket") from None
    except OSError as problem:
        raise ConnectionEnded(reason(problem), reached=False) from None


async def _read(connection: WebSocketClientConnection) -> str | bytes | None:
    return await connection.read_message()


def _close_error(code: int | None, reason: str | None) -> Exception:
    """Return the error for a close code: a Refusal for 4500-4999, else ConnectionEnded with the delay, if it gives
    one."""
    codes = {4501: "unauthenticated", 4503: "forbidden", 4504: "no_such_stream"}
    if code is not None and 4500 <= code <= 4999:
        status = {4501: 401, 4503: 403, 4504: 404}.get(code, 400)
        return Refusal(status, codes.get(code, "malformed"), reason or f"The server closed the socket with {code}.")
    sent_away = code is not None and code >= 4000
    return ConnectionEnded(f"closed with {code}", sent_away=sent_away, hint=milliseconds(reason) if sent_away else None)


def milliseconds(text: str | None) -> float | None:
    """Return the seconds of a text that is a number of milliseconds, or None."""
    if not text or not text.isdecimal() or len(text) > 7:
        return None
    return int(text) / 1000


def _server_unavailable(status: int, hint: float | None) -> ConnectionEnded:
    """Return the error for a status.

    One of a proxy without a server, or of a busy server, tells nothing about the transport.
    """
    return ConnectionEnded(f"status {status}", reached=status not in (502, 503, 504, 429), hint=hint)


async def sse(server: Server, streams: Sequence[str], positions: Positions) -> AsyncGenerator[Message, None]:
    connection, chunks = HttpConnection(), asyncio.Queue[bytes](64)

    async def enqueue(chunk: bytes) -> None:  # awaited, so that unread data stays in the socket
        if not connection.closed:
            await chunks.put(chunk)

    request = HTTPRequest(
        address(server, "sse", streams, positions),
        headers=server.headers({"Accept": "text/event-stream", "Cache-Control": "no-store"}),
        streaming_callback=enqueue,
        request_timeout=0,
        decompress_response=False,
    )
    fetching = asyncio.ensure_future(server.fetch(request, connection))
    parser, timeout = EventParser(), SSE_FIRST_TIMEOUT
    try:
        while True:
            chunk = await _next_chunk(chunks, fetching, timeout)
            if chunk is None:
                raise await _sse_end_error(fetching, parser)
            if timeout != SSE_TIMEOUT:
                timeout = SSE_TIMEOUT
                if not parser.is_event_stream(chunk):
                    continue  # the body of an error page; the status decides
                yield DELIVERING
            for data in parser.feed(chunk):
                yield _decode(data)
    finally:
        connection.close()
        while not chunks.empty():  # lets a callback that waits for room return
            chunks.get_nowait()
        fetching.cancel()
        with suppress(asyncio.CancelledError, NotReached):
            await fetching


async def _next_chunk(chunks: asyncio.Queue[bytes], fetching: asyncio.Future[Any], timeout: float) -> bytes | None:
    """Return the next bytes, or None when the response has ended and everything was read."""
    if chunks.empty():
        reading = asyncio.ensure_future(chunks.get())
        try:
            done, _ = await asyncio.wait({reading, fetching}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if reading in done:
                return reading.result()
            if not done:
                raise ConnectionEnded("nothing arrived", silent=True)
        finally:
            reading.cancel()
    return None if chunks.empty() else chunks.get_nowait()


async def _sse_end_error(fetching: asyncio.Future[Any], parser: EventParser) -> Exception:
    try:
        response = await fetching
    except Unclear as problem:
        return ConnectionEnded(str(problem), hint=parser.closing_hint)
    except NotReached as problem:
        return ConnectionEnded(str(problem), reached=False)
    if response.code != 200:
        return _refusal_error(response)
    return ConnectionEnded("the answer ended", hint=parser.closing_hint)


def _refusal_error(response: Any) -> Exception:
    problem = refusal(response)
    if problem.retryable or problem.status >= 500 or problem.code == "internal":
        return _server_unavailable(problem.status, problem.retry_after)
    return problem


class EventParser:
    """Parses server-sent events (WHATWG HTML section 9.2), as far as a Livewall server uses them."""

    def __init__(self) -> None:
        self.retry: float | None = None  # seconds after which the server wants the client to connect again
        self.closing_hint: float | None = None  # the same, after a block of `retry:` alone: the server ends the stream
        self._incomplete = b""
        self._data: list[bytes] = []
        self._block_has_retry = False
        self._started = False

    @staticmethod
    def is_event_stream(chunk: bytes) -> bool:
        return chunk.lstrip(b"\xef\xbb\xbf\r\n").startswith((b":", b"data", b"id", b"event", b"retry"))

    def feed(self, chunk: bytes) -> list[str]:
        """Return the data of the events that are complete now."""
        *lines, self._incomplete = (self._incomplete + chunk).split(b"\n")
        events = []
        for line in lines:
            line = line.rstrip(b"\r")
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                self._data.append(value)
            elif name == b"retry":
                self.retry = milliseconds(value.decode("ascii", "replace"))
                self._block_has_retry = True
            elif not line:
                if self._data:
                    events.append(b"\n".join(self._data).decode())
                self._end_block()
        return events

    def _end_block(self) -> None:
        # The `retry:` of the first block is only a setting.
        self.closing_hint = self.retry if self._block_has_retry and self._started else None
        self._started = self._started or self._block_has_retry or bool(self._data)
        self._data, self._block_has_retry = [], False


async def long_polling(server: Server, streams: Sequence[str], positions: Positions) -> AsyncGenerator[Message, None]:
    async for message in _polling(server, streams, positions, wait=LONG_POLL_SECONDS, pause=0.0):
        yield message


async def polling(server: Server, streams: Sequence[str], positions: Positions) -> AsyncGenerator[Message, None]:
    async for message in _polling(server, streams, positions, wait=0, pause=POLL_INTERVAL):
        yield message


async def _polling(
    server: Server, streams: Sequence[str], positions: Positions, *, wait: float, pause: float
) -> AsyncGenerator[Message, None]:
    first = True
    while True:
        requested_at = time.monotonic()
        # The first request does not wait, so that a client notices at once that the server is back.
        seconds, first = 0.0 if first else wait, False
        request = HTTPRequest(
            address(server, "updates", streams, positions, wait=f"{seconds:g}"),
            headers=server.headers(),
            request_timeout=seconds + 15,
        )
        try:
            response = await server.fetch(request)
        except NotReached as problem:
            raise ConnectionEnded(str(problem), reached=isinstance(problem, Unclear)) from None
        if response.code != 200:
            raise _refusal_error(response)
        try:
            events = json.loads(response.body)["events"]
        except (ValueError, KeyError, TypeError):
            raise ConnectionEnded("not an answer of a Livewall server") from None
        yield DELIVERING
        for message in events:
            yield message
        if not events:  # an early and empty answer must not cause a flood of requests
            await asyncio.sleep(max(pause, min(1.0, requested_at + wait - time.monotonic())))
        elif pause:
            await asyncio.sleep(pause)


def _decode(text: str | bytes) -> Message:
    try:
        message = json.loads(text)
    except ValueError:
        raise ConnectionEnded("not JSON") from None
    if not isinstance(message, dict):
        raise ConnectionEnded("not an object")
    return message


TRANSPORTS: dict[str, Transport] = {
    "websocket": websocket,
    "sse": sse,
    "longpoll": long_polling,
    "poll": polling,
}
