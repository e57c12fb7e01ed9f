"""Which Celery workers are heard, and which have fallen silent. Pure; times are monotonic, in seconds."""

from __future__ import annotations

import msgspec

USUAL_INTERVAL = 2.0
"""Seconds between two heartbeats of a worker, unless it says otherwise."""
MISSED = 3
"""The number of heartbeats in a row after which a worker is silent."""


class Heard(msgspec.Struct):
    at: float
    interval: float = USUAL_INTERVAL


class Workers:
    """The workers by their names. Any event of a worker counts as a sign of life."""

    def __init__(self) -> None:
        self._heard: dict[str, Heard] = {}

    def hear(self, worker: str, now: float, interval: float | None = None) -> None:
        heard = self._heard.setdefault(worker, Heard(now))
        heard.at = now
        if interval is not None and interval > 0:
            heard.interval = interval

    def expect(self, worker: str, now: float) -> None:
        """Give a worker of which nothing was heard yet the time of its heartbeats from now on."""
        self._heard.setdefault(worker, Heard(now))

    def expect_all(self, now: float) -> None:
        """Count from now: while there was no connection, none could be heard."""
        for heard in self._heard.values():
            heard.at = now

    def silent(self, now: float) -> list[str]:
        """Return the workers that have missed their heartbeats."""
        return [name for name, heard in self._heard.items() if now - heard.at > MISSED * heard.interval]

    def heard_since(self, worker: str, at: float) -> bool:
        """Return whether a worker was heard after a time."""
        heard = self._heard.get(worker)
        return heard is not None and heard.at > at

    def forget(self, worker: str) -> None:
        self._heard.pop(worker, None)
