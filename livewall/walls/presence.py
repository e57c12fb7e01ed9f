"""Who is at a wall: how many voters read it now, said to its readers as the volatile event `here`.

A voter counts once, however many connections it has; hosts do not, nor do screens and programs that have no voter.
Those who poll are there for a while after each question. Counts are worked out from the hub's own index of readers;
all that is kept here is when who polled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from livewall import wire
from livewall.hub.hub import Hub
from livewall.hub.reader import Cursor, State
from livewall.hub.stream import Stream

KIND = "walls/"
KEY = "here"
STAYS = 40.0
"""Seconds for which somebody who polls is there after a question; a page that nobody looks at asks every ten."""
MOST_POLLED = 20_000
"""Voters that poll one wall, as far as they are kept."""
READERS_A_SECOND = 1000
"""Readers who may be told in a second: beyond so many, all of them are told less often than once a second."""


class Audience(Struct, frozen=True):
    """Voters by how they are connected: at the newest, behind (their connection takes nothing now), polling."""

    live: int
    behind: int
    polling: int


def people(live: Collection[str], polled: Mapping[str, float], now: float) -> int:
    """How many are there: those who are connected, and those who polled within `STAYS` seconds before `now`."""
    return len(live) + sum(1 for voter, at in polled.items() if now - at < STAYS and voter not in live)


def audience(live: Mapping[str, Iterable[Cursor]], polled: Mapping[str, float], now: float) -> Audience:
    """The same people, by their connections: one good connection makes a voter live."""
    counted = {"live": 0, "behind": 0}
    connected = set()
    for voter, cursors in live.items():
        readers = [cursor.reader for cursor in cursors if cursor.reader.outlet.framing.lasting]
        if readers:
            connected.add(voter)
            counted["live" if any(reader.state is State.READY for reader in readers) else "behind"] += 1
    waiting = live.keys() - connected
    return Audience(**counted, polling=people(waiting, {v: t for v, t in polled.items() if v not in connected}, now))


def interval(readers: int) -> float:
    """Seconds between two `here` events of a wall with so many readers."""
    return max(1.0, readers / READERS_A_SECOND)


class Presence:
    """The presence of all walls of this process. `now` is monotonic, in seconds. Readers are told of walls that are
    `shown` (by their stream) on some screen: phones and programs are not to be woken for what nobody looks at."""

    def __init__(self, hub: Hub, now: Callable[[], float], shown: Callable[[str], bool]) -> None:
        self._hub = hub
        self._shown = shown
        self._now = now
        self._polled: dict[str, dict[str, float]] = {}
        self._told: dict[str, tuple[int, float]] = {}

    def polled(self, stream: str, voter: str | None) -> None:
        """Somebody who gets one answer at a time asked for a wall. Hosts come without their voter."""
        if voter is None or not stream.startswith(KIND):
            return
        asked = self._polled.setdefault(stream, {})
        if voter in asked or len(asked) < MOST_POLLED:
            asked[voter] = self._now()

    def people(self, stream: str) -> int:
        return people(self._live(stream), self._polled.get(stream, {}), self._now())

    def audience(self, stream: str) -> Audience:
        return audience(self._live(stream), self._polled.get(stream, {}), self._now())

    def turn(self) -> None:
        """Once a second: forget who stayed away, and tell the readers of each wall whose number changed."""
        now = self._now()
        for name, asked in list(self._polled.items()):
            left = {voter: at for voter, at in asked.items() if now - at < STAYS}
            if left:
                self._polled[name] = left
            else:
                del self._polled[name]
        for name in self._told.keys() - self._hub.streams.keys():
            del self._told[name]
        for name, stream in self._hub.streams.items():
            if name.startswith(KIND) and stream.cursors:
                if self._shown(name):
                    self._tell(name, stream, now)
                else:
                    stream.retained.pop(KEY, None)

    def _tell(self, name: str, stream: Stream, now: float) -> None:
        found = self.people(name)
        told, at = self._told.get(name, (0, 0.0))
        if KEY in stream.retained and (found == told or now - at < interval(len(stream.cursors)) - 0.1):
            return
        self._told[name] = (found, now)
        self._hub.volatile(name, KEY, wire.text({"people": found}), retain=True)

    def _live(self, stream: str) -> Mapping[str, dict[Cursor, Any]]:
        opened = self._hub.streams.get(stream)
        return opened.tags if opened is not None else {}
