"""The timers of polls that close by themselves, on a clock that is passed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from livewall.clock import Clock, moment

LONGEST = 2.0
"""The longest time in seconds that a timer waits before it looks at the clock again: while the machine sleeps, timers
stand still and the clock does not."""


class Deadlines:
    def __init__(self, clock: Clock, call_later: Callable[[float, Callable[[], None]], Any]) -> None:
        self._clock = clock
        self._call_later = call_later
        self._timers: dict[str, tuple[str, Any]] = {}

    def set(self, poll: str, closes_at: str, due: Callable[[str], None]) -> None:
        """Call `due(poll)` at `closes_at`. A time set earlier is forgotten."""
        held = self._timers.get(poll)
        if held is not None and held[0] == closes_at:
            return
        self.forget(poll)
        self._wait(poll, closes_at, due)

    def _wait(self, poll: str, closes_at: str, due: Callable[[str], None]) -> None:
        left = (moment(closes_at) - self._clock()).total_seconds()

        def fire() -> None:
            if (moment(closes_at) - self._clock()).total_seconds() > 0:
                self._wait(poll, closes_at, due)
            else:
                self._timers.pop(poll, None)
                due(poll)

        # A millisecond more, because timers may fire early by the clock's resolution.
        self._timers[poll] = (closes_at, self._call_later(min(max(left, 0.0) + 0.001, LONGEST), fire))

    def again(self, poll: str, due: Callable[[str], None]) -> None:
        """Try again in a second, because the database could not take the close."""
        self.forget(poll)
        self._timers[poll] = ("", self._call_later(1.0, lambda: due(poll)))

    def forget(self, poll: str) -> None:
        held = self._timers.pop(poll, None)
        if held is not None:
            held[1].cancel()

    def __len__(self) -> int:
        return len(self._timers)

    def close(self) -> None:
        for poll in list(self._timers):
            self.forget(poll)
