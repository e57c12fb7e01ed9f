"""Presence: how many voters read a wall now, sent to its readers as the volatile event `here`.

A voter counts once, however many connections it has. Hosts do not count, nor do screens and programs without a voter. A
voter that polls is present for some time after each request. Counts are taken from the hub's index of readers; only the
times of polls are kept here.
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
"""Seconds for which a voter that polls is present after a request; a page in the background asks every ten."""
MAX_POLLED = 20_000
"""The largest number of polling voters that are remembered for one wall."""
READERS_A_SECOND = 1000
"""The largest number of readers that are sent `here` in a second; a wall with more readers sends it less often than
once a second."""


class Audience(Struct, frozen=True):
    """Voters by their connection: up to date, behind (the connection takes nothing now), or polling."""

    live: int
    behind: int
    polling: int


def people(live: Collection[str], polled: Mapping[str, float], now: float) -> int:
    """Return how many voters are present: those who are connected, and those who polled within `STAYS` seconds before
    `now`."""
    return len(live) + sum(1 for voter, at in polled.items() if now - at < STAYS and voter not in live)


def audience(live: Mapping[str, Iterable[Cursor]], polled: Mapping[str, float], now: float) -> Audience:
    """Return the same voters by their connections: one connection that is up to date makes a voter live."""
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
    """Return the seconds between two `here` events of a wall with so many readers."""
    return max(1.0, readers / READERS_A_SECOND)


class Presence:
    """The presence of all walls of this process. `now` is monotonic, in seconds. Only walls that are `shown` on some
    screen (by the name of their stream) send `here`: phones and programs are not woken for a number that nobody looks
    at."""

    def __init__(self, hub: Hub, now: Callable[[], float], shown: Callable[[str], bool]) -> None:
        self._hub = hub
        self._shown = shown
        self._now = now
        self._polled: dict[str, dict[str, float]] = {}
        self._sent: dict[str, tuple[int, float]] = {}

    def polled(self, stream: str, voter: str | None) -> None:
        """Note that a voter polled a wall; `voter` is None for hosts."""
        if voter is None or not stream.startswith(KIND):
            return
        last_polls = self._polled.setdefault(stream, {})
        # Beyond the limit nobody new is counted, so that a flood of voters costs no memory.
        if voter in last_polls or len(last_polls) < MAX_POLLED:
            last_polls[voter] = self._now()

    def people(self, stream: str) -> int:
        return people(self._live(stream), self._polled.get(stream, {}), self._now())

    def audience(self, stream: str) -> Audience:
        return audience(self._live(stream), self._polled.get(stream, {}), self._now())

    def update(self) -> None:
        """Forget voters that stayed away, and send `here` on each wall whose number changed. Called once a second."""
        now = self._now()
        for name, last_polls in list(self._polled.items()):
            left = {voter: at for voter, at in last_polls.items() if now - at < STAYS}
            if left:
                self._polled[name] = left
            else:
                del self._polled[name]
        # Streams without readers are closed by the hub; their entries would stay.
        for name in self._sent.keys() - self._hub.streams.keys():
            del self._sent[name]
        for name, stream in self._hub.streams.items():
            if name.startswith(KIND) and stream.cursors:
                if self._shown(name):
                    self._publish(name, stream, now)
                else:
                    # A number that is not kept up to date must not be sent to whoever comes later.
                    stream.retained.pop(KEY, None)

    def _publish(self, name: str, stream: Stream, now: float) -> None:
        count = self.people(name)
        sent_count, sent_at = self._sent.get(name, (0, 0.0))
        if KEY in stream.retained and (count == sent_count or now - sent_at < interval(len(stream.cursors)) - 0.1):
            return
        self._sent[name] = (count, now)
        self._hub.volatile(name, KEY, wire.text({"people": count}), retain=True)

    def _live(self, stream: str) -> Mapping[str, dict[Cursor, Any]]:
        opened = self._hub.streams.get(stream)
        return opened.tags if opened is not None else {}
