"""Periodic calls on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Timers:
    """Calls that repeat until `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._handles: list[asyncio.TimerHandle] = []

    def every(self, seconds: float, call: Callable[[float], Any]) -> None:
        """Call `call(late)` every `seconds`; `late` is how many seconds after its time the loop came to it."""
        index = len(self._handles)

        def turn(due: float) -> None:
            now = self._loop.time()
            call(max(0.0, now - due))
            self._handles[index] = self._loop.call_at(now + seconds, turn, now + seconds)

        due = self._loop.time() + seconds
        self._handles.append(self._loop.call_at(due, turn, due))

    def close(self) -> None:
        for handle in self._handles:
            handle.cancel()
        self._handles.clear()
