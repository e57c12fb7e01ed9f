"""One view of one stream as this process holds it: a compacted log, oldest first.

Of the events of a key only the newest is kept. Events without a key are kept up to a number and a size, and `base`
rises when old ones are dropped. Snapshot, resume and conflation are the same question, `after(n)`. A log knows neither
readers nor the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import NamedTuple

MAX_UNKEYED = 200
MAX_UNKEYED_BYTES = 1 << 20
MAX_TOMBSTONES = 1000


class Event(NamedTuple):
    """An event as the store has sequenced it. `data` is JSON text; None deletes the key."""

    seq: int
    key: str | None
    data: str | None
    view: int


class Log:
    """The compacted log of one view. It can answer for every position from `base` on."""

    __slots__ = ("_bytes", "_entries", "_tombstones", "_unkeyed", "base", "earlier", "head", "snapshots")

    def __init__(self, *, head: int = 0, base: int = 0, earlier: bool = False) -> None:
        self.head = head
        self.base = min(base, head)
        self.earlier = earlier
        self._entries: dict[str | int, Event] = {}
        self._unkeyed: deque[int] = deque()
        self._tombstones: deque[tuple[int, str]] = deque()
        self._bytes = 0
        self.snapshots: dict[Hashable, tuple[bytes, int, bool]] = {}
        """Framed parts of snapshots that begin at this log, until the next event (livewall/hub/catch_up.py)."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """The bytes of payload held, for the metrics."""
        return sum(len(e.data or "") for e in self._entries.values())

    def append(self, event: Event) -> None:
        """Append the next event of this view; its `seq` must be greater than `head`."""
        if event.seq <= self.head:
            raise ValueError(f"event {event.seq} after {self.head}")
        self.head = event.seq
        self.snapshots.clear()
        if event.key is None:
            self._entries[event.seq] = event
            self._unkeyed.append(event.seq)
            self._bytes += len(event.data or "")
            while len(self._unkeyed) > MAX_UNKEYED or (self._bytes > MAX_UNKEYED_BYTES and len(self._unkeyed) > 1):
                self._forget(self._unkeyed.popleft())
            return
        # A key moves to the end, so that the dict stays in the order of `seq` and `after` can walk it backwards.
        self._entries.pop(event.key, None)
        self._entries[event.key] = event
        if event.data is None:
            self._tombstones.append((event.seq, event.key))
            while len(self._tombstones) > MAX_TOMBSTONES:
                seq, key = self._tombstones.popleft()
                if self._entries[key].seq == seq:
                    del self._entries[key]
                    self.base = max(self.base, seq)

    def _forget(self, seq: int) -> None:
        removed = self._entries.pop(seq)
        self._bytes -= len(removed.data or "")
        self.base = max(self.base, seq)
        self.earlier = True

    def load(self, events: Iterable[Event]) -> None:
        """Fill an empty log with the events that the store holds, oldest first. A `head` that the store gave is
        kept."""
        head = self.head
        self.head = 0
        for event in events:
            self.append(event)
        if self.head < head:  # the last event itself was dropped: only a reader that has it lacks nothing
            self.base = head
        self.head = max(head, self.head)

    def after(self, n: int) -> list[Event]:
        """Return the events that a reader at `n` lacks, oldest first. Valid for `n >= base`, and for a snapshot from
        0."""
        if n >= self.head:
            return []
        events: list[Event] = []
        for event in reversed(self._entries.values()):
            if event.seq <= n:
                break
            events.append(event)
        events.reverse()
        return events
