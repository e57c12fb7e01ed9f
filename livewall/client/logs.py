"""The log of a step as bytes: appended at an offset, read from one. Each call is one request."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from tornado.httpclient import HTTPRequest, HTTPResponse

from livewall.client.calls import ANSWER_TIMEOUT, NotReached, Refusal, Server, refusal, segment

T = TypeVar("T")

PART_BYTES = 256 << 10
"""Bytes of one request."""


class Part(NamedTuple):
    """Bytes of a log from `offset` on, which is later than asked for where something was left out; `end` is that of the
    whole log."""

    offset: int
    data: bytes
    end: int


def path(task: str, step: str) -> str:
    return f"/api/tasks/{segment(task)}/logs/{segment(step)}"


async def append(server: Server, task: str, step: str, data: bytes, offset: int | None) -> dict[str, Any]:
    """`{"bytes","cancel","lease"}` of the log: where it ends, whether a cancel was asked for, and the seconds within
    which the step has to be heard of again (None: no lease).

    Without `offset` it is appended at the end, so that a repetition may double it; with one, what the server has is
    dropped. Raises Refusal (`conflict`: see `end_of`) and NotReached.
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
            "bytes": int(end["bytes"]), "cancel": bool(end.get("cancel")), "lease": float(lease) if lease else None,
        }
    except (ValueError, KeyError, TypeError):
        raise Refusal(response.code, "internal", f"{server.url} answered something that is no log's end.") from None


def end_of(problem: Refusal) -> int | None:
    """The end of a log that was refused an offset beyond it; None when that is not why."""
    end = str(problem.fields.get("end", ""))
    return int(end) if problem.code == "conflict" and end.isdecimal() else None


async def read(server: Server, task: str, step: str, offset: int, limit: int) -> Part:
    """At most `limit` bytes from `offset` on. Raises Refusal and NotReached."""
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
    """Where a line begins, counted from 1, or from the end where `line` is negative; the end where there is none."""
    # Two: the first may be what stands for bytes that were left out, and that has no offset.
    lines = await server.get(f"{path(task, step)}/lines?from={line}&count=2")
    for item in lines["items"]:
        if "offset" in item:
            return int(item["offset"])
    return int(lines["bytes"])


async def retry(server: Server, request: Callable[[], Awaitable[T]]) -> T:
    """Repeat what may be repeated for as long as the server has patience. Raises Refusal and NotReached."""
    start, pause = time.monotonic(), 0.1
    notice = asyncio.get_running_loop().call_later(1.5, server.say_waiting)
    try:
        while True:
            try:
                return await request()
            except (Refusal, NotReached) as problem:
                hint = None
                if isinstance(problem, Refusal):
                    if not problem.retryable:
                        raise
                    hint = problem.retry_after
                wait = (hint or pause) * random.uniform(0.8, 1.2)
                if time.monotonic() + wait > start + (server.patience if server.reached else server.wait):
                    raise
            await asyncio.sleep(wait)
            pause = min(pause * 2, 2.0)
    finally:
        notice.cancel()


async def _fetch(server: Server, request: HTTPRequest) -> HTTPResponse:
    response = await server.fetch(request)
    server.reached = True
    if not 200 <= response.code < 300:
        raise refusal(response)
    return response
