"""One view of one stream as this process holds it: a compacted log, oldest first.

Of the events of a key only the newest is kept. Of **numbered** keys (`message/1`, `message/2`, …), which come in the
order of their numbers, the newest `WINDOW` are kept, and `base` rises when others are dropped. A later event of a
numbered key is a **change**: it replaces the data of the first one, which keeps its place, and follows as an event of
its own for those who are past that place. Readers thus get numbered keys in their order, and old data nowhere.

The deletion of a key `message/GROUP` deletes all numbered keys of that group.

Snapshot, resume and conflation are the same question, `after(n)`. A log knows neither readers nor the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import NamedTuple

WINDOW = 200
"""How many events of numbered keys are held for each group: those with the highest numbers."""
MAX_NUMBERED = 5 * WINDOW
"""How many events of numbered keys are held of all groups together: the last of them."""
MAX_LEFT_OUT = 1000
"""How many events are kept that no snapshot has, for those who hold what they are about: deletions and changes."""


class Event(NamedTuple):
    """An event as the store has sequenced it. `data` is JSON text; None deletes the key."""

    seq: int
    key: str
    data: str | None
    view: int
    change: bool = False
    """Whether it is a change of a numbered key."""

    @property
    def in_snapshots(self) -> bool:
        return self.data is not None and not self.change


class Numbered(NamedTuple):
    """A numbered key: the group of those that are numbered together, and the number, from 1."""

    group: str
    number: int

    @classmethod
    def of(cls, key: str) -> Numbered | None:
        """Return the parts of a key `message/N` or `message/GROUP/N`; None for other keys."""
        group, _, number = key.rpartition("/")
        return cls(group, int(number)) if key.startswith("message/") and number.isdecimal() else None


class Log:
    """The compacted log of one view. It can answer for every position from `base` on."""

    __slots__ = ("_entries", "_incomplete", "_left_out", "_newest", "_numbered", "base", "head", "snapshots")

    def __init__(self, *, head: int = 0, base: int = 0) -> None:
        self.head = head
        self.base = min(base, head)
        self._entries: dict[str, Event] = {}
        self._newest: dict[str, int] = {}
        """The highest number of each group."""
        self._numbered: dict[str, None] = {}
        """The numbered keys that are held, oldest first."""
        self._incomplete: set[str] = set()
        """The groups of which events below the window were dropped, or not loaded."""
        self._left_out: deque[tuple[int, str]] = deque()
        self.snapshots: dict[Hashable, tuple[bytes, int, bool]] = {}
        """Framed parts of snapshots that begin at this log, until the next event (livewall/hub/catch_up.py)."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """The bytes of payload held, for the metrics."""
        return sum(len(e.data or "") for e in self._entries.values())

    @property
    def earlier(self) -> bool:
        """Whether there are events of numbered keys below those that are held."""
        return bool(self._incomplete)

    def append(self, event: Event) -> None:
        """Append the next event of this view; its `seq` must be greater than `head`."""
        if event.seq <= self.head:
            raise ValueError(f"event {event.seq} after {self.head}")
        self.head = event.seq
        self.snapshots.clear()
        name = event.key
        if event.change:
            if (first := self._entries.get(name)) is not None:
                self._entries[name] = first._replace(data=event.data)
            name = f"{name} changed"
        elif (numbered := Numbered.of(name)) is not None:
            self._move_window(numbered)
        elif event.data is None and name in self._newest:
            self._delete_group(name)
        # A key moves to the end, so that the dict stays in the order of `seq` and `after` can walk it backwards.
        self._entries.pop(name, None)
        self._entries[name] = event
        while len(self._numbered) > MAX_NUMBERED:
            self._forget(next(iter(self._numbered)))
        if not event.in_snapshots:
            self._left_out.append((event.seq, name))
            while len(self._left_out) > MAX_LEFT_OUT:
                seq, name = self._left_out.popleft()
                held = self._entries.get(name)
                if held is not None and held.seq == seq:
                    self._forget(name)

    def _move_window(self, highest: Numbered) -> None:
        before = self._newest.get(highest.group, 0)
        self._newest[highest.group] = highest.number
        self._numbered[f"{highest.group}/{highest.number}"] = None
        if highest.number > WINDOW or not before < highest.number <= before + 1:
            self._incomplete.add(highest.group)
        for number in range(max(1, before - WINDOW + 1), min(before, highest.number - WINDOW) + 1):
            key = f"{highest.group}/{number}"
            if key in self._entries:
                self._forget(key)

    def _delete_group(self, group: str) -> None:
        del self._newest[group]
        self._incomplete.discard(group)
        for name in [name for name in self._entries if name.startswith(f"{group}/")]:
            del self._entries[name]
            self._numbered.pop(name, None)

    def _forget(self, name: str) -> None:
        self.base = max(self.base, self._entries.pop(name).seq)
        if name in self._numbered:
            del self._numbered[name]
            self._incomplete.add(name.rpartition("/")[0])

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
