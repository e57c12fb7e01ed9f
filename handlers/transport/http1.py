"""The server's side of HTTP/1.1: one request after the other, each with its limits.

Tornado reads and writes the messages. This module adds that a header has at most so many bytes and fields and is
refused before it is parsed. `livewall.request_deadlines` decides how long a request may take. A request that is refused
before its body has arrived is answered, and its connection is closed in a way that lets the response arrive. Input that
is not HTTP is answered with an error in the usual shape.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from tornado.concurrent import future_add_done_callback
from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    ParseBodyConfig,
    ParseMultipartConfig,
    ParseUrlEncodedConfig,
    RequestStartLine,
    ResponseStartLine,
    parse_request_start_line,
    set_parse_body_config,
)
from tornado.iostream import StreamClosedError, UnsatisfiableReadError
from tornado.web import RequestHandler

from handlers.transport.error_responses import MAX_FIELDS, header_too_large, malformed, missing_chunk_length
from handlers.transport.header import header_bytes, parse_header
from handlers.transport.stream import LiveStream
from livewall.request_deadlines import Terms

log = logging.getLogger("livewall.http")

MAX_ARGUMENTS = 64
"""The largest number of arguments of a query."""
MAX_CHUNKS = 100
"""The largest number of chunks of a body, unless the handler sets a limit."""
set_parse_body_config(
    ParseBodyConfig(
        urlencoded=ParseUrlEncodedConfig(max_arguments=MAX_ARGUMENTS),
        multipart=ParseMultipartConfig(max_parts=16, max_part_header_size=4096),
    )
)
_END_OF_HEADER = b"\r?\n\r?\n"


def abandon(handler: RequestHandler) -> None:
    """Release a handler whose peer disconnected before the whole body had arrived.

    Tornado breaks the reference cycles of a handler when its response is finished, which never happens here. Without
    this, the handler, its request and its connection would stay in memory until the garbage collector runs.
    """

    def forget(prepared: asyncio.Future[None]) -> None:
        handler.request._body_future = asyncio.Future()
        handler.request._body_future.set_result(None)
        handler.ui = None  # type: ignore[assignment]

    waits: asyncio.Future[None] = handler.request._body_future
    if not waits.done():  # WebSocketHandler does not do this
        waits.set_exception(StreamClosedError())
        waits.exception()
    prepared: asyncio.Future[None] | None = handler._prepared_future
    if prepared is not None and not prepared.done():  # it still awaits the body after `prepare`
        prepared.add_done_callback(forget)
    else:
        forget(waits)


def is_unread(request: HTTPServerRequest) -> bool:
    """Return whether a handler still waits for the rest of its body."""
    body = request.__dict__.get("_body_future")
    return body is not None and not body.done()


class Exchange(HTTP1Connection):
    """One request and its response."""

    stream: LiveStream

    def __init__(self, connection: ServerConnection) -> None:
        super().__init__(connection.stream, False, connection.params, connection.context)
        self._connection = connection
        self._reads_body = False

    def _parse_headers(self, data: bytes) -> tuple[str, HTTPHeaders]:
        return parse_header(data)

    async def read_response(self, delegate: HTTPMessageDelegate) -> bool:
        """Read a request and have it answered. Return whether another request may follow."""
        stream, delegate_open = self.stream, False
        try:
            stream.overflow_response = header_too_large
            header = await stream.read_until_regex(_END_OF_HEADER, max_bytes=self.params.max_header_size)
            # Counted before they are parsed, because a field costs more than its bytes. The other two lines are the
            # first and the last one.
            if header.count(b"\n") > MAX_FIELDS + 2:
                stream.refuse(header_too_large())
                return False
            stream.overflow_response = missing_chunk_length
            line, headers = self._parse_headers(header)
            start = self._request_start_line = parse_request_start_line(line)
            self._request_headers = headers
            self._disconnect_on_finish = not self._can_keep_alive(start, headers)
            if "Content-Length" in headers and "Transfer-Encoding" in headers:
                # A proxy may take the other one of the two, and then the body for the next request (RFC 9112 §6.3).
                stream.refuse(malformed("Content-Length and Transfer-Encoding exclude each other"))
                return False
            has_body = "Content-Length" in headers or "Transfer-Encoding" in headers
            self._connection.begin_work()
            if not has_body:
                self._read_finished = True
                stream.set_close_callback(self._on_connection_close)  # notices a peer that disconnects during `prepare`
            delegate_open = True
            self.allow_chunks(MAX_CHUNKS)
            # The handler runs `prepare` now, which may answer without the body.
            received = delegate.headers_received(start, headers)
            if received is not None:
                await received
            if has_body and not self.detached and not self._write_finished:
                if headers.get("Expect", "").lower() == "100-continue":
                    self.stream.write(b"HTTP/1.1 100 (Continue)\r\n\r\n")
                self._reads_body = True
                self._connection.expect_body()
                reading = self._read_body(0, headers, delegate)
                if reading is not None:
                    await reading
                self._read_finished = True
                self._connection.begin_work()
            if self.detached:
                delegate_open = False
                return False
            if stream.closed():
                return False
            if not self._write_finished:
                delegate.finish()
                delegate_open = False
            if not self._finish_future.done() and not self.stream.closed():
                self.stream.set_close_callback(self._on_connection_close)
                await self._finish_future
            return not self.detached
        except HTTPInputError as error:
            log.debug("not HTTP from %s: %s", self.context, error)
            if self._response_start_line is None:
                stream.refuse(malformed(str(error)))
            self.close()
            return False
        except (StreamClosedError, UnsatisfiableReadError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("a request could not be handled")
            self.close()
            return False
        finally:
            if delegate_open:
                delegate.on_connection_close()
            self._clear_callbacks()

    def allow_chunks(self, count: int) -> None:
        """Set the number of chunks that the body of this request may have."""
        self.stream.remaining_lines = max(count, MAX_CHUNKS)

    async def _deliver_body(self, delegate: HTTPMessageDelegate, data: bytes) -> None:
        if not self._write_finished:
            future = delegate.data_received(data)
            if future is not None:
                await future

    def write_headers(self, start_line: Any, headers: HTTPHeaders, chunk: bytes | None = None) -> asyncio.Future[None]:
        """Send the header of a response, with `chunk`, as Tornado does, but format and check all of its lines at
        once."""
        assert isinstance(start_line, ResponseStartLine)
        if not self._read_finished and not self._drop_body():
            self._disconnect_on_finish = True
        self._response_start_line = start_line
        self._prepare_framing(start_line.code, headers)
        data = header_bytes(start_line, headers)
        future = self._write_future = asyncio.Future()
        if self.stream.closed():
            future.set_exception(StreamClosedError())
            future.exception()
            return future
        self._pending_write = self.stream.write(data + self._format_chunk(chunk) if chunk else data)
        future_add_done_callback(self._pending_write, self._on_write_complete)
        return future

    def _prepare_framing(self, code: int, headers: HTTPHeaders) -> None:
        """Decide how the end of the response is marked (RFC 9112 section 6.3), and set the header fields for it."""
        request, request_headers = self._request_start_line, self._request_headers
        assert isinstance(request, RequestStartLine) and request_headers is not None
        is_new, sized = request.version == "HTTP/1.1", "Content-Length" in headers
        has_no_body = request.method == "HEAD" or code in (204, 304) or 100 <= code < 200
        self._chunking_output = is_new and not has_no_body and not sized
        if is_new and self._disconnect_on_finish:
            headers["Connection"] = "close"
        if request.version == "HTTP/1.0" and request_headers.get("Connection", "").lower() == "keep-alive":
            headers["Connection"] = "Keep-Alive"
        if self._chunking_output:
            headers["Transfer-Encoding"] = "chunked"
        if request.method == "HEAD" or code == 304:
            self._expected_content_remaining = 0
        else:
            self._expected_content_remaining = int(headers["Content-Length"]) if sized else None

    def _drop_body(self) -> bool:
        """Discard the body of a request that was answered before its body was read, if the body has arrived already."""
        assert self._request_headers is not None
        # A body that has arrived as a whole is small, and parsing a number of many digits is slow.
        length = self._request_headers.get("Content-Length", "")
        if self._reads_body or not (length.isdecimal() and len(length) < 7 and self.stream.has_unread(int(length))):
            return False
        self.stream.discard(int(length))
        self._read_finished = True
        return True

    def _finish_request(self, future: asyncio.Future[None] | None) -> None:
        if self._disconnect_on_finish and not self._read_finished and not self.detached:
            self.stream.linger()
        super()._finish_request(future)

    @property
    def detached(self) -> bool:
        """Whether the stream now belongs to a live reader."""
        stream: LiveStream | None = self.stream
        return stream is None

    @property
    def unsent(self) -> bool:
        """Whether a response is complete and the peer has not read all of it."""
        return self._write_finished and not self.detached and self.stream.writing()


class ServerConnection(HTTP1ServerConnection):
    """Serves the requests of one connection."""

    stream: LiveStream

    def __init__(self, stream: LiveStream, params: Any, context: Any, clock: Any, terms: Terms) -> None:
        super().__init__(stream, params, context)
        self._clock = clock
        self._terms = terms
        self._exchange: Exchange | None = None

    async def _server_request_loop(self, delegate: HTTPServerConnectionDelegate) -> None:
        try:
            while True:
                exchange = self._exchange = Exchange(self)
                try:
                    keep_alive = await exchange.read_response(delegate.start_request(self, exchange))
                except (StreamClosedError, UnsatisfiableReadError, asyncio.CancelledError):
                    return
                if not keep_alive or self.stream.closed():
                    return
                if self.stream.patience is not None:
                    self.stream.patience.wait_for_next(self._clock())
                await asyncio.sleep(0)
        finally:
            self._exchange = None
            delegate.on_close(self)

    def expect_body(self) -> None:
        if self.stream.patience is not None:
            self.stream.patience.expect_body(self._clock(), self.stream.bytes_read, self._terms)

    def begin_work(self) -> None:
        if self.stream.patience is not None:
            self.stream.patience.work(self._clock(), self.stream.bytes_sent)

    @property
    def detached(self) -> bool:
        """Whether the stream now belongs to a live reader."""
        stream: LiveStream | None = self.stream
        return stream is None

    @property
    def unsent(self) -> bool:
        return self._exchange is not None and self._exchange.unsent
