"""The screens of walls as they report themselves, for their hosts.

In memory only. Anybody may report a screen, so nothing is decided by these reports. Times are passed in.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from livewall import wire
from livewall.clock import iso
from livewall.errors import Busy

FORGOTTEN = 60.0
"""Seconds after its last report for which a screen is listed; it reports every ten."""
MAX_SCREENS = 64
"""The largest number of screens of one wall."""
MAX_PER_ADDRESS = 16
"""The largest number of screens of one wall that one address may report."""
KEPT = 600.0
"""Seconds after its last report for which the place of a screen is kept that was there for a minute or longer."""
MAX_WALLS = 1000


class Screen(Struct, frozen=True):
    """A screen as it last reported: its size in pixels, its transport, the milliseconds since it last painted live
    data, and the time of the report."""

    id: str
    width: int
    height: int
    transport: wire.Transport
    age: int
    seen: str


class _Place(Struct):
    """The record of a screen: its last report, the times of the first and the last one, and its address."""

    screen: Screen
    since: datetime
    at: datetime
    address: str | None

    def is_kept(self, now: datetime) -> bool:
        known = self.at - self.since >= timedelta(seconds=FORGOTTEN)
        return now - self.at < timedelta(seconds=KEPT if known else FORGOTTEN)


class Screens:
    """The screens of all walls of this process."""

    def __init__(self) -> None:
        self._walls: dict[str, dict[str, _Place]] = {}

    def report(
        self, wall: str, screen_id: str, given: wire.ScreenIn, now: datetime, address: str | None = None
    ) -> None:
        """Note the report of a screen.

        Raises Busy (`rate`) for one screen more than are kept for a wall or an address: a stranger must not take the
        places of real screens. Without an address only the wall's limit holds.
        """
        known = self._remembered(wall, now)
        held = known.get(screen_id)
        if held is None:
            # Counted only for a new screen. One that reports again keeps its place.
            of_one = sum(record.address == address for record in known.values()) if address is not None else 0
            if of_one >= MAX_PER_ADDRESS or len(known) >= MAX_SCREENS or self._is_full(wall):
                self._forget(now)
                of_address, of_wall = f"{MAX_PER_ADDRESS} screens of one address", f"{MAX_SCREENS} screens of a wall"
                limit = of_address if of_one >= MAX_PER_ADDRESS else of_wall
                raise Busy("rate", f"at most {limit} are listed", retry_after=FORGOTTEN)
        screen = Screen(screen_id, given.width, given.height, given.transport, given.age, iso(now))
        self._walls.setdefault(wall, known)[screen_id] = _Place(screen, held.since if held else now, now, address)

    def of(self, wall: str, now: datetime) -> list[Screen]:
        """Return the screens that reported within the last minute, in the order of their first reports."""
        last = now - timedelta(seconds=FORGOTTEN)
        return [record.screen for record in self._remembered(wall, now).values() if record.at > last]

    def _is_full(self, wall: str) -> bool:
        return wall not in self._walls and len(self._walls) >= MAX_WALLS

    def _remembered(self, wall: str, now: datetime) -> dict[str, _Place]:
        """Return the records of a wall, without those whose place is no longer kept."""
        records = self._walls.get(wall, {})
        for screen_id in [screen_id for screen_id, record in records.items() if not record.is_kept(now)]:
            del records[screen_id]
        if not records:
            self._walls.pop(wall, None)
        return records

    def _forget(self, now: datetime) -> None:
        for wall in list(self._walls):
            self._remembered(wall, now)
