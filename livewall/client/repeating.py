"""Repeats a request of a client after temporary failures."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from livewall.client.calls import QUIET_SECONDS, NotReached, Refusal, Server

T = TypeVar("T")

FIRST_PAUSE = 0.1
LAST_PAUSE = 2.0  # seconds, at most, between two attempts


async def repeated(
    server: Server,
    request: Callable[[], Awaitable[T]],
    *,
    deadline: Callable[[], float],
    is_temporary: Callable[[Refusal], bool],
    say_waiting: Callable[[], None],
) -> T:
    """Return the result of `request`, which is repeated until the monotonic time `deadline()`, asked anew each time.

    `say_waiting` is called if it takes long. Raises Refusal at once unless `is_temporary` holds, otherwise the last
    Refusal or NotReached.
    """
    pause = FIRST_PAUSE
    notice = asyncio.get_running_loop().call_later(QUIET_SECONDS, say_waiting)
    try:
        while True:
            try:
                return await request()
            except (Refusal, NotReached) as problem:
                wait = pause
                if isinstance(problem, Refusal):
                    if problem.code == "unauthenticated" and server.find_token():
                        continue
                    if not is_temporary(problem):
                        raise
                    wait = problem.retry_after or pause
                wait *= random.uniform(0.8, 1.2)
                if time.monotonic() + wait > deadline():
                    raise
            await asyncio.sleep(wait)
            pause = min(pause * 2, LAST_PAUSE)
    finally:
        notice.cancel()
