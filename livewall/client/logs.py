"""The bytes of a step's log: append at an offset, and read from one. Each call is one request."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from tornado.httpclient import HTTPRequest, HTTPResponse

from livewall.client.calls import ANSWER_TIMEOUT, Refusal, Server, refusal, segment
from livewall.client.repeating import repeated

T = TypeVar("T")

PART_BYTES = 256 << 10
"""The most bytes of one request."""


class Part(NamedTuple):
    """Bytes of a log from `offset` on; `end` is that of the whole log.

    The offset is later than the requested one if that lies in a gap.
    """

    offset: int
    data: bytes
    end: int


def path(task: str, step: str) -> str:
    return f"/api/tasks/{segment(task)}/logs/{segment(step)}"


async def append(server: Server, task: str, step: str, data: bytes, offset: int | None) -> dict[str, Any]:
    """Append to a log; return its end as `bytes`, whether the task is cancelled, and the seconds of the lease or None.

    Without `offset`, the data is appended at the end, and a repetition may append it twice. With an offset, the server
    drops bytes that it has already. Raises Refusal (for `conflict` see `end_of`) and NotReached.
    """
    query = "" if offset is None else f"?offset={offset}"
    headers = server.headers({"Content-Type": "text/plain; charset=utf-8"})
    request = HTTPRequest(
        server.url + path(task, step) + query,
        method="POST",
        headers=headers,
        body=data,
        request_timeout=ANSWER_TIMEOUT,
    )
    response = await _fetch(server, request)
    try:
        end = json.loads(response.body)
        lease = response.headers.get("Livewall-Lease")
        return {
            "bytes": int(end["bytes"]),
            "cancel": bool(end.get("cancel")),
            "lease": float(lease) if lease else None,
        }
    except (ValueError, KeyError, TypeError):
        raise Refusal(response.code, "internal", f"{server.url} answered something that is not a log's end.") from None


def end_of(problem: Refusal) -> int | None:
    """Return the end of the log if data was refused because its offset lies beyond the end, else None."""
    end = str(problem.fields.get("end", ""))
    return int(end) if problem.code == "conflict" and end.isdecimal() else None


async def read(server: Server, task: str, step: str, offset: int, limit: int) -> Part:
    """Return at most `limit` bytes from `offset` on. Raises Refusal and NotReached."""
    request = HTTPRequest(
        f"{server.url}{path(task, step)}?offset={offset}&limit={limit}",
        headers=server.headers({"Accept": "text/plain"}),
        request_timeout=ANSWER_TIMEOUT,
        decompress_response=False,
    )
    response = await _fetch(server, request)
    headers, data = response.headers, response.body
    begin = int(headers.get("Livewall-Log-Offset", offset))
    return Part(begin, data, int(headers.get("Livewall-Log-Bytes", begin + len(data))))


async def line_offset(server: Server, task: str, step: str, line: int) -> int:
    """Return the offset of a line, counted from 1 or, if negative, from the end; the end of the log if there is
    none."""
    # Ask for two lines: the first may be a gap, which has no offset.
    lines = await server.get(f"{path(task, step)}/lines?from={line}&count=2")
    for item in lines["items"]:
        if "offset" in item:
            return int(item["offset"])
    return int(lines["bytes"])


async def retry(server: Server, request: Callable[[], Awaitable[T]]) -> T:
    """Repeat a request after temporary failures, for as long as `server` has patience.

    Raises Refusal and NotReached.
    """
    started = time.monotonic()
    return await repeated(
        server,
        request,
        deadline=lambda: started + (server.patience if server.reached else server.wait),
        is_temporary=lambda problem: problem.retryable,
        say_waiting=server.say_waiting,
    )


async def _fetch(server: Server, request: HTTPRequest) -> HTTPResponse:
    response = await server.fetch(request)
    server.reached = True
    if not 200 <= response.code < 300:
        raise refusal(response)
    return response
