"""The headers of requests and responses. A request is read line by line with Tornado's own checks, and a line that many
clients send is checked once."""

from __future__ import annotations

import functools

from tornado.httputil import HTTPHeaders, ResponseStartLine, format_timestamp

MAX_CACHED_LINES = 1024
"""The number of lines in the cache. The browsers of one audience send a few dozen different ones."""
MAX_LINE_LENGTH = 256
"""The length in characters of the longest line that is cached."""
PRIVATE_FIELDS = frozenset({"cookie:", "authori", "sec-web", "if-none"})
"""The first seven letters of lines that belong to one client. Caching them would be useless, and they may be secret."""


def parse_header(data: bytes) -> tuple[str, HTTPHeaders]:
    """Return the first line of a request and its fields, as `HTTP1Connection._parse_headers` does. Raises
    HTTPInputError."""
    # Empty lines before a request are ignored (RFC 9112 section 2.2).
    first, *lines = data.decode("latin-1").lstrip("\r\n").split("\n")
    headers, names = HTTPHeaders(), set()
    for line in lines:
        private = len(line) > MAX_LINE_LENGTH or line[:7].lower() in PRIVATE_FIELDS
        field = _field(line) if private else _shared_field(line)
        if field is None:
            continue
        name, value = field
        if name in names:
            headers.add(name, value)
        else:
            headers[name] = value
            names.add(name)
    return first.rstrip("\r"), headers


def _field(line: str) -> tuple[str, str] | None:
    """Return the name and the value of a line without its line feed, or None for an empty line."""
    headers = HTTPHeaders()
    headers.parse_line(f"{line}\n")
    return next(iter(headers.get_all()), None)


_shared_field = functools.lru_cache(MAX_CACHED_LINES)(_field)


def header_bytes(start: ResponseStartLine, headers: HTTPHeaders) -> bytes:
    """Return the header of a response as bytes. Raises ValueError if one of its lines contains a line break."""
    lines = [f"HTTP/1.1 {start.code} {start.reason}", *(f"{name}: {value}" for name, value in headers.get_all())]
    text = "\n".join(lines)
    if "\r" in text or text.count("\n") != len(lines) - 1:
        raise ValueError(f"illegal characters (CR or LF) in the header of a response: {lines!r}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@functools.lru_cache(2)
def date(second: int) -> str:
    """Return the value of a Date field (RFC 9110 §6.6.1), cached because many responses fall into one second."""
    return format_timestamp(second)


def clear_fields(headers: HTTPHeaders) -> None:
    """Empty the header fields of an answered request, because its connection lives on and would keep them in memory."""
    headers._as_list.clear()
    headers._combined_cache.clear()
