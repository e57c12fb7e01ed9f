"""One timer for the heartbeats of all connections, instead of a task for each connection."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol


class HeartbeatTarget(Protocol):
    def heartbeat(self) -> None:
        """Called every `period` seconds."""


class Heartbeat:
    """Calls `heartbeat` of each member every `period` seconds, spread over that time."""

    def __init__(self, period: float, *, slots: int = 20) -> None:
        self._interval = period / slots
        self._slots: list[dict[Any, None]] = [{} for _ in range(slots)]
        self._next = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._beat)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def add(self, member: HeartbeatTarget) -> int:
        """Add a member; its first heartbeat comes after a whole period. Returns the slot, for `remove`."""
        slot = (self._next - 1) % len(self._slots)
        self._slots[slot][member] = None
        return slot

    def remove(self, member: HeartbeatTarget, slot: int) -> None:
        self._slots[slot].pop(member, None)

    def _beat(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._beat)
        slot = self._slots[self._next]
        self._next = (self._next + 1) % len(self._slots)
        # A copy: a heartbeat may close its connection, which removes it from the slot.
        for member in list(slot):
            member.heartbeat()
