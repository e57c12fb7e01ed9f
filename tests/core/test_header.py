"""The header of a request is read as Tornado reads it, with the lines that many clients send checked once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders, HTTPInputError

from handlers.transport import header

NAMES = ("Accept", "accept", "ACCEPT", "Cookie", "Host", "X-Own", "Sec-WebSocket-Key", "Set-Cookie")
VALUES = ("", "a", " a", "a ", "\ta\t", "a, b", "\xe9", "a\x00b", "a\rb", "a\x0bb", "a\x85b", "x" * 300, ":", "a: b")
COLONS = (":", ": ", " :", ":  ", "")
LINES = st.one_of(
    st.tuples(*(st.sampled_from(each) for each in (NAMES, COLONS, VALUES))).map("".join),
    st.sampled_from((" folded", "\tfolded", "", "no colon", ": no name", "a b: c", "\r", "\x00: a", "\xe9: a")),
)
Read = tuple[str, list[tuple[str, str]]]


def tornados(data: bytes) -> Read | str:
    text = data.decode("latin1").lstrip("\r\n")
    end = text.find("\n")
    try:
        return text[:end].rstrip("\r"), list(HTTPHeaders.parse(text[end:]).get_all())
    except HTTPInputError as error:
        return str(error)


def ours(data: bytes) -> Read | str:
    try:
        first, headers = header.parse_header(data)
    except HTTPInputError as error:
        return str(error)
    assert all(headers[name] == ",".join(headers.get_list(name)) for name in headers)
    return first, list(headers.get_all())


@given(
    st.sampled_from(("", "\r\n", "\n\r\n")),
    st.sampled_from(("GET / HTTP/1.1", "", "GET /\x0b HTTP/1.1")),
    st.lists(LINES, max_size=8),
    st.sampled_from(("\r\n", "\n")),
)
@example("", "GET / HTTP/1.1", ["Host: a", "host: b", "Cookie: a=1", "cookie: b=2"], "\r\n")
def test_a_header_is_read_as_tornado_reads_it(before: str, first: str, lines: list[str], end: str) -> None:
    data = (before + end.join([first, *lines]) + end + end).encode("latin-1")
    expected = tornados(data)
    assert ours(data) == expected
    assert ours(data) == expected  # from what is kept


def test_what_one_request_changes_in_its_header_is_in_no_other() -> None:
    data = b"GET / HTTP/1.1\r\nHost: x\r\nAccept: a\r\nAccept: b\r\n\r\n"
    _, headers = header.parse_header(data)
    headers.add("Accept", "c")
    headers["Host"] = "y"
    assert list(header.parse_header(data)[1].get_all()) == [("Host", "x"), ("Accept", "a"), ("Accept", "b")]


def test_a_header_that_is_forgotten_is_empty() -> None:
    _, headers = header.parse_header(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: a\r\nAccept: b\r\n\r\n")
    assert headers["Accept"] == "a,b"
    header.clear_fields(headers)
    assert "Accept" not in headers and headers.get("Accept") is None and not headers.get_list("Accept")
    assert len(headers) == 0


@pytest.mark.parametrize(
    "line", ["Cookie: a=secret", "authorization: Bearer secret", f"X: {'x' * header.MAX_LINE_LENGTH}"]
)
def test_what_is_a_clients_own_or_long_is_not_kept(line: str) -> None:
    header._shared_field.cache_clear()
    header.parse_header(b"GET / HTTP/1.1\r\nAccept: a\r\n\r\n")
    before = header._shared_field.cache_info()
    header.parse_header(f"GET / HTTP/1.1\r\nAccept: a\r\n{line}\r\n\r\n".encode())
    after = header._shared_field.cache_info()
    assert (after.misses, after.currsize, after.maxsize) == (before.misses, before.currsize, header.MAX_CACHED_LINES)
