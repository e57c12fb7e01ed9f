"""The screens of walls as they report themselves, so that a host sees each of them. In memory only, and anybody may
report: nothing is decided by it. Times are handed in."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from livewall import wire
from livewall.clock import iso
from livewall.errors import Busy

FORGOTTEN = 60.0
"""Seconds after its last report for which a screen is listed; it reports every ten."""
MOST = 64
"""Screens of one wall."""
MOST_WALLS = 1000


class Screen(Struct, frozen=True):
    """A screen as it last reported: its size in pixels, how it is connected, for how many ms it has painted nothing
    that was live, and when it was heard of."""

    id: str
    width: int
    height: int
    transport: wire.Transport
    age: int
    seen: str


class Screens:
    """The screens of all walls of this process."""

    def __init__(self) -> None:
        self._walls: dict[str, dict[str, tuple[Screen, datetime]]] = {}

    def report(self, wall: str, id: str, given: wire.ScreenIn, now: datetime) -> None:
        """Note how a screen is. Raises Busy (`rate`) for one screen more than are kept."""
        known = self._kept(wall, now)
        if id not in known and (len(known) >= MOST or (wall not in self._walls and len(self._walls) >= MOST_WALLS)):
            self._forget(now)
            raise Busy("rate", f"at most {MOST} screens of a wall are listed", retry_after=FORGOTTEN)
        screen = Screen(id, given.width, given.height, given.transport, given.age, iso(now))
        self._walls.setdefault(wall, known)[id] = (screen, now)

    def of(self, wall: str, now: datetime) -> list[Screen]:
        """Those that reported within the last minute, in the order of their first report."""
        return [screen for screen, _ in self._kept(wall, now).values()]

    def _kept(self, wall: str, now: datetime) -> dict[str, tuple[Screen, datetime]]:
        """What is known of a wall, without those that were not heard of for a minute."""
        kept = self._walls.get(wall, {})
        for id in [id for id, (_, at) in kept.items() if now - at >= timedelta(seconds=FORGOTTEN)]:
            del kept[id]
        if not kept:
            self._walls.pop(wall, None)
        return kept

    def _forget(self, now: datetime) -> None:
        for wall in list(self._walls):
            self._kept(wall, now)
