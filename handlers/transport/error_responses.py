"""Responses to input that never became a request, in the usual shape of errors."""

from __future__ import annotations

from livewall import wire
from livewall.errors import BadInput, LivewallError
from livewall.request_deadlines import Terms

MAX_HEADER = 16 << 10
"""The largest first line and header fields of a request, in bytes."""
MAX_FIELDS = 100
"""The largest number of header fields of a request."""
_REASONS = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}
_HEAD = (
    "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {length}\r\n"
    "Cache-Control: private, no-cache\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: same-origin\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
)


def error_response(status: int, error: LivewallError) -> bytes:
    """Return an error response, in the usual shape, to input that never became a request."""
    body = wire.encode({"error": error.body()})
    return _HEAD.format(status=status, reason=_REASONS[status], length=len(body)).encode() + body


def header_too_large() -> bytes:
    message = f"the header of a request has at most {MAX_HEADER:,} bytes and {MAX_FIELDS} fields"
    return error_response(431, BadInput("too_large", message))


def malformed(why: str) -> bytes:
    return error_response(400, BadInput("malformed", why[:200]))


def missing_chunk_length() -> bytes:
    return malformed("a chunk of the body has no length")


def request_timeout(terms: Terms, body: bool) -> bytes:
    message = (
        f"the body arrived at less than {terms.rate} bytes per second"
        if body
        else f"no complete request arrived within {terms.header:g} seconds"
    )
    return error_response(408, BadInput("malformed", message))
