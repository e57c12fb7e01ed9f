"""Presence: how many voters read a wall now, sent to its readers as the volatile event `here`.

A voter counts once, however many connections it has. Hosts do not count, nor do screens and programs without a voter. A
voter that polls is present for some time after each request (livewall/hub/viewers.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec import Struct

from livewall import wire
from livewall.hub.hub import Hub
from livewall.hub.reader import Cursor, State
from livewall.hub.stream import Stream
from livewall.hub.viewers import Viewers, interval

KIND = "walls/"
KEY = "here"


class Audience(Struct, frozen=True):
    """Voters by their connection: up to date, behind (the connection takes nothing now), or polling."""

    live: int
    behind: int
    polling: int


def people(live: Collection[str], polling: Collection[str]) -> int:
    """Return how many voters are present: those who are connected, and those who poll."""
    return len(live) + sum(1 for voter in polling if voter not in live)


def audience(live: Mapping[str, Iterable[Cursor]], polling: Collection[str]) -> Audience:
    """Return the same voters by their connections: one connection that is up to date makes a voter live."""
    counted = {"live": 0, "behind": 0}
    connected = set()
    for voter, cursors in live.items():
        readers = [cursor.reader for cursor in cursors if cursor.reader.outlet.framing.lasting]
        if readers:
            connected.add(voter)
            counted["live" if any(reader.state is State.READY for reader in readers) else "behind"] += 1
    waiting = live.keys() - connected
    return Audience(**counted, polling=people(waiting, [voter for voter in polling if voter not in connected]))


class Presence:
    """The presence of all walls of this process. `now` is monotonic, in seconds. Only walls that are `shown` on some
    screen (by the name of their stream) send `here`: phones and programs are not woken for a number that nobody looks
    at."""

    def __init__(self, hub: Hub, viewers: Viewers, now: Callable[[], float], shown: Callable[[str], bool]) -> None:
        self._hub = hub
        self._viewers = viewers
        self._shown = shown
        self._now = now
        self._sent: dict[str, tuple[int, float]] = {}

    def people(self, stream: str) -> int:
        return people(self._viewers.live(stream), self._viewers.polling(stream))

    def audience(self, stream: str) -> Audience:
        return audience(self._viewers.live(stream), self._viewers.polling(stream))

    def update(self) -> None:
        """Send `here` on each wall whose number changed. Called once a second."""
        now = self._now()
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
