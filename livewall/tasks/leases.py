"""Leases of foreign steps: whoever promised to be heard of within so many seconds, and was not, has lost its step.

Time is monotonic, so a stepped clock takes nobody's lease; after a restart every lease begins anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Leases:
    """Calls `lapsed(task, step)` when a lease ran out."""

    def __init__(
        self, call_later: Callable[[float, Callable[[], None]], Timer], lapsed: Callable[[str, str], None]
    ) -> None:
        self._call_later = call_later
        self._lapsed = lapsed
        self._timers: dict[tuple[str, str], Timer] = {}

    def renew(self, task: str, step: str, seconds: float | None) -> None:
        """From now on `seconds`; None: no lease."""
        key = task, step
        old = self._timers.pop(key, None)
        if old is not None:
            old.cancel()
        if seconds is not None:
            self._timers[key] = self._call_later(seconds, lambda: self._over(key))

    def _over(self, key: tuple[str, str]) -> None:
        del self._timers[key]
        self._lapsed(*key)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def __len__(self) -> int:
        return len(self._timers)
