"""Who reads a stream now, by the tags of its rule: those who are connected, and those who poll.

A viewer counts once, however many connections it has. One that polls is there for some time after each request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from livewall.hub.hub import Hub
from livewall.hub.reader import Cursor

STAYS = 40.0
"""Seconds for which a viewer that polls is there after a request; a page in the background asks every ten."""
MAX_POLLED = 20_000
"""The largest number of polling viewers that are remembered for one stream."""
READERS_A_SECOND = 1000
"""The largest number of readers that are sent a volatile event in a second; where there are more, they are sent it less
often than once a second."""


class Poll(NamedTuple):
    """The last request of a viewer that polls: when it came, in monotonic seconds, and whose it was."""

    at: float
    who: Any


def interval(readers: int) -> float:
    """Return the seconds between two volatile events of a stream with so many readers."""
    return max(1.0, readers / READERS_A_SECOND)


class Viewers:
    """The viewers of all streams whose names begin with one of `kinds`. `now` is monotonic, in seconds."""

    def __init__(self, hub: Hub, now: Callable[[], float], kinds: tuple[str, ...]) -> None:
        self._hub = hub
        self._now = now
        self._kinds = kinds
        self._polls: dict[str, dict[str, Poll]] = {}

    def polled(self, stream: str, tag: str | None, who: Any) -> None:
        """Note that a viewer polled a stream; one without a tag is not counted."""
        if tag is None or not stream.startswith(self._kinds):
            return
        polls = self._polls.setdefault(stream, {})
        # Beyond the limit nobody new is counted, so that a flood of viewers costs no memory.
        if tag in polls or len(polls) < MAX_POLLED:
            polls[tag] = Poll(self._now(), who)

    def live(self, stream: str) -> Mapping[str, dict[Cursor, Any]]:
        """Return the cursors of those who are connected, by tag."""
        opened = self._hub.streams.get(stream)
        return opened.tags if opened is not None else {}

    def polling(self, stream: str) -> dict[str, Any]:
        """Return those who polled within the last `STAYS` seconds."""
        now = self._now()
        return {tag: poll.who for tag, poll in self._polls.get(stream, {}).items() if now - poll.at < STAYS}

    def count(self, stream: str) -> int:
        """Return how many are there."""
        live = self.live(stream)
        return len(live) + sum(1 for tag in self.polling(stream) if tag not in live)

    def polled_streams(self, kind: str) -> list[str]:
        """Return the streams of a kind that somebody has polled lately."""
        return [stream for stream in self._polls if stream.startswith(kind)]

    def present(self, stream: str) -> dict[str, Any]:
        """Return everybody who is there, by tag."""
        found = self.polling(stream)
        for tag, cursors in self.live(stream).items():
            found[tag] = next(iter(cursors)).reader.who
        return found

    def forget(self) -> None:
        """Forget those who stayed away. Called once a second."""
        for stream in list(self._polls):
            left = self.polling(stream)
            if left:
                self._polls[stream] = {tag: poll for tag, poll in self._polls[stream].items() if tag in left}
            else:
                del self._polls[stream]
