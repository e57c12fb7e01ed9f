"""The one exception tree, and the two vocabularies that clients act on: error codes and close codes.

    LivewallError
    ├── BadInput        malformed, invalid, too_large, too_many_streams, method_not_allowed
    ├── NotAllowed      unauthenticated, bad_token, no_voter, forbidden, muted, blocked
    ├── NotFound        not_found, no_such_poll, no_such_stream
    ├── Refused         conflict (Stale), already_voted, closed, poll_not_open, round_over, bad_code, code_used,
    │                   name_taken
    └── Busy            rate, slow, draining, unavailable      (try again after `retry_after` seconds)

An error has a code and an HTTP status, and knows nothing else of HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

STATUS: Mapping[str, int] = {
    "malformed": 400,
    "invalid": 422,
    "unauthenticated": 401,
    "bad_token": 401,
    "no_voter": 401,
    "forbidden": 403,
    "muted": 403,
    "blocked": 403,
    "not_found": 404,
    "no_such_poll": 404,
    "no_such_stream": 404,
    "poll_not_open": 409,
    "closed": 409,
    "already_voted": 409,
    "round_over": 409,
    "bad_code": 403,
    "code_used": 409,
    "conflict": 409,
    "name_taken": 409,
    "too_large": 413,
    "too_many_streams": 422,
    "method_not_allowed": 405,
    "rate": 429,
    "slow": 429,
    "draining": 503,
    "unavailable": 503,
    "internal": 500,
}


class CloseCode(IntEnum):
    """WebSocket close codes (RFC 6455 §7.4): after 4000-4499 a client reconnects, after 4500-4999 it does not."""

    LEAVING = 1001
    TOO_BIG = 1009
    DRAINING = 4000
    CANNOT_CATCH_UP = 4001
    RATE = 4008
    UNAUTHENTICATED = 4501
    FORBIDDEN = 4503
    NO_SUCH_STREAM = 4504
    PROTOCOL = 4505


class LivewallError(Exception):
    """The base of every refusal; `code` is one of `STATUS`."""

    default = "internal"

    def __init__(
        self,
        code: str = "",
        message: str = "",
        *,
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.code = code or self.default
        self.status = STATUS[self.code]
        self.message = message or self.code.replace("_", " ")
        self.fields = dict(fields or {})
        self.retry_after = retry_after
        super().__init__(self.message)

    def body(self) -> dict[str, Any]:
        """The body of the `error` field on every transport."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.fields:
            error["fields"] = self.fields
        return error


class BadInput(LivewallError):
    default = "malformed"


class NotAllowed(LivewallError):
    default = "forbidden"


class NotFound(LivewallError):
    default = "not_found"


class Refused(LivewallError):
    default = "conflict"


class Stale(Refused):
    """A change for a version that is not the newest: somebody else changed it first."""


class Busy(LivewallError):
    default = "unavailable"

    def __init__(self, code: str = "", message: str = "", *, retry_after: float = 1.0) -> None:
        super().__init__(code, message, retry_after=retry_after)


def invalid(field: str, message: str) -> BadInput:
    """Return BadInput (`invalid`) for one field whose value is refused."""
    return BadInput("invalid", f"{field}: {message}", fields={field: message})


def close_code(error: LivewallError) -> CloseCode:
    """Return the close code that tells a WebSocket client whether to reconnect after `error`."""
    match error.code:
        case "unauthenticated" | "bad_token" | "no_voter":
            return CloseCode.UNAUTHENTICATED
        case "forbidden":
            return CloseCode.FORBIDDEN
        case "no_such_stream" | "no_such_poll" | "not_found":
            return CloseCode.NO_SUCH_STREAM
        case "rate":
            return CloseCode.RATE
        case "draining":
            return CloseCode.DRAINING
        case "unavailable":
            return CloseCode.CANNOT_CATCH_UP
        case _:
            return CloseCode.PROTOCOL
