"""Reads the arguments in the query of a request."""

from __future__ import annotations

import re
from typing import Any

from tornado.httputil import HTTPServerRequest

from livewall.errors import BadInput, invalid


def argument(request: HTTPServerRequest, name: str, default: str = "") -> str:
    """Return the last value of a query argument. Raises BadInput for bytes that are not UTF-8."""
    values = request.query_arguments.get(name)
    if not values:
        return default
    try:
        return values[-1].decode()
    except UnicodeDecodeError:
        raise BadInput("invalid", f"{name}: not UTF-8", fields={name: "not UTF-8"}) from None


def lenient_argument(request: HTTPServerRequest, name: str) -> str:
    """Return the last value of a query argument, with U+FFFD in place of bytes that are not UTF-8."""
    return request.query_arguments.get(name, [b""])[-1].decode("utf-8", "replace")


def number_argument(
    request: HTTPServerRequest, name: str, default: int | None, *, minimum: int = 0, maximum: int = 10**15
) -> int | None:
    """Return a whole number from the query. Raises BadInput."""
    text = argument(request, name)
    if not text and name not in request.query_arguments:
        return default
    if re.fullmatch(r"-?[0-9]{1,16}", text) is None or not minimum <= int(text) <= maximum:
        raise invalid(name, f"a whole number from {minimum} to {maximum}")
    return int(text)


def page_arguments(request: HTTPServerRequest) -> dict[str, Any]:
    """Return the arguments `limit` and `before` of a list. Raises BadInput."""
    text = argument(request, "limit", "50")
    if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= 500:
        raise BadInput("invalid", "limit: 1 to 500", fields={"limit": "1 to 500"})
    return {"limit": int(text), "before": argument(request, "before") or None}
