"""The header of an answer is what Tornado would write, and leaves its connection in the same state."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import HTTPHeaders, RequestStartLine, ResponseStartLine

from handlers.transport.http1 import Exchange

STATE = ("_chunking_output", "_expected_content_remaining", "_disconnect_on_finish", "_response_start_line")


class Stream:
    """A stream that notes what is written."""

    max_buffer_size = 1 << 20

    def __init__(self) -> None:
        self.written = b""

    def closed(self) -> bool:
        return False

    def set_close_callback(self, callback: Any) -> None:
        pass

    def write(self, data: bytes) -> asyncio.Future[None]:
        self.written += data
        done: asyncio.Future[None] = asyncio.Future()
        done.set_result(None)
        return done


def answered(
    kind: type[HTTP1Connection], request: RequestStartLine, asked: HTTPHeaders, ends: bool,
    start: ResponseStartLine, fields: list[tuple[str, str]], chunk: bytes | None,
) -> tuple[bytes, list[object]] | type[Exception]:  # fmt: skip
    """What is written, and the state of the connection after it."""
    made: Any = object.__new__(kind)
    made.stream = Stream()
    HTTP1Connection.__init__(made, made.stream, False, HTTP1ConnectionParameters(), None)
    made._request_start_line, made._request_headers = request, asked
    made._read_finished, made._disconnect_on_finish, made._reads_body = True, ends, False
    headers = HTTPHeaders()
    for name, value in fields:
        headers._as_list.setdefault(name, []).append(value)
    try:
        made.write_headers(start, headers, chunk)
    except ValueError:
        return ValueError
    return made.stream.written, [getattr(made, name) for name in STATE]


@pytest.mark.parametrize("code", [101, 200, 201, 204, 304, 404, 500])
async def test_the_header_of_an_answer_is_tornados(code: int) -> None:
    fields = [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=é")]
    asked = [HTTPHeaders(), HTTPHeaders({"Connection": "Keep-Alive"})]
    for method, version, has, ends, sized, chunk in itertools.product(
        ("GET", "HEAD", "PUT"), ("HTTP/1.0", "HTTP/1.1"), asked, (False, True), (False, True), (None, b"", b"abc")
    ):
        own = [*fields, *([("Content-Length", "3")] if sized else [])]
        if method == "HEAD" or code == 304:
            chunk = None
        request, start = RequestStartLine(method, "/", version), ResponseStartLine("", code, "So it is")
        made = [answered(kind, request, has, ends, start, own, chunk) for kind in (Exchange, HTTP1Connection)]
        assert made[0] == made[1], (method, version, has, ends, sized, chunk)


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\r\nX: b", "\n", "\r"])
async def test_a_field_with_the_end_of_a_line_in_it_is_not_sent(value: str) -> None:
    request, start = RequestStartLine("GET", "/", "HTTP/1.1"), ResponseStartLine("", 200, "OK")
    for kind in (Exchange, HTTP1Connection):
        for fields in ([("X", value)], [(value, "x")]):
            assert answered(kind, request, HTTPHeaders(), False, start, fields, None) is ValueError
