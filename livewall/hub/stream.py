"""A stream that is open in this process: its logs, its lanes of readers, and what its rules look at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from livewall.hub.framing import Framing
from livewall.hub.log import Event, Log
from livewall.hub.position import View
from livewall.hub.reader import Cursor

Send = Callable[[bytes], int]


class Rule(Protocol):
    """Who may read a kind of stream, and how: decided from its state alone, on every transport alike."""

    keys: frozenset[str]
    """The keys of events it looks at."""

    def view(self, state: dict[str, Any], who: Any, viewer_state: Any) -> View:
        """The view `who` gets; raises a LivewallError where it gets none."""

    def needs_viewer_state(self, state: dict[str, Any], who: Any) -> bool:
        """Whether the answer hangs on something of the reader's own (its ballot)."""

    def viewer_tag(self, name: str, who: Any) -> str | None:
        """The name under which news of the reader's own facts arrive, if there are such."""

    async def load_viewer_state(self, name: str, who: Any) -> Any:
        """The reader's own facts, from the store; asked only where there is a tag."""


class StateRule:
    """The part of a rule that looks at the state of the stream alone, at nothing of the reader's own."""

    def needs_viewer_state(self, state: dict[str, Any], who: Any) -> bool:
        return False

    def viewer_tag(self, name: str, who: Any) -> str | None:
        return None

    async def load_viewer_state(self, name: str, who: Any) -> None:
        return None


def _removed(data: bytes) -> int:
    """Stands where a reader left during a publication; takes everything."""
    return len(data)


class Lane:
    """The readers of one view and framing that are not behind, as a flat list of their bound `send`.

    All stand at `sent`. While a publication is under way those before `progress` stand at `target` already.
    """

    __slots__ = (
        "cursors",
        "framing",
        "individual",
        "joining",
        "progress",
        "removed",
        "sends",
        "sent",
        "target",
        "view",
    )

    def __init__(self, view: View, framing: Framing, sent: int) -> None:
        self.view = view
        self.framing = framing
        self.sent = sent
        self.target: int | None = None
        self.progress = 0
        self.sends: list[Send] = []
        self.cursors: list[Cursor | None] = []
        self.removed = 0
        self.joining: dict[Cursor, None] = {}
        self.individual: dict[Cursor, None] = {}

    def place(self, index: int) -> int:
        if self.target is not None and index < self.progress:
            return self.target
        return self.sent

    def join(self, cursor: Cursor) -> None:
        """Put a cursor that is not behind on the lane; during a publication it waits for the next one."""
        cursor.lane = self
        cursor.index = -1
        if not self.framing.shared:
            self.individual[cursor] = None
        elif self.target is None and cursor.n == self.sent:
            self._list(cursor)
        else:
            self.joining[cursor] = None

    def _list(self, cursor: Cursor) -> None:
        cursor.index = len(self.cursors)
        self.cursors.append(cursor)
        self.sends.append(cursor.reader.outlet.send)

    def leave(self, cursor: Cursor) -> None:
        """Take a cursor off; it keeps its place in `n`. Never moves others while a publication is under way."""
        index = cursor.index
        if index < 0:
            self.joining.pop(cursor, None)
            self.individual.pop(cursor, None)
        else:
            cursor.n = self.place(index)
            if self.target is not None:
                self.sends[index] = _removed
                self.cursors[index] = None
                self.removed += 1
            else:
                last = self.cursors.pop()
                send = self.sends.pop()
                if last is not cursor:
                    assert last is not None
                    self.cursors[index] = last
                    self.sends[index] = send
                    last.index = index
        cursor.lane = None
        cursor.index = -1

    def clear(self) -> list[Cursor]:
        """Take every cursor off that is here or about to be; not while a publication is under way."""
        gone = [*(c for c in reversed(self.cursors) if c is not None), *self.joining]
        for cursor in gone:
            self.leave(cursor)
        return gone

    def begin(self, head: int) -> list[Cursor]:
        """Start a publication up to `head`; returns those who wait to join from elsewhere than `sent` or `head`."""
        elsewhere = []
        for cursor in list(self.joining):
            if cursor.n == self.sent:
                del self.joining[cursor]
                self._list(cursor)
            elif cursor.n < head:
                elsewhere.append(cursor)
        self.target = head
        self.progress = 0
        return elsewhere

    def end(self) -> None:
        """The publication reached everybody."""
        assert self.target is not None
        self.sent = self.target
        self.target = None
        self.progress = 0
        if self.removed:
            self.cursors = [c for c in self.cursors if c is not None]
            self.sends = [s for s in self.sends if s is not _removed]
            for index, cursor in enumerate(self.cursors):
                assert cursor is not None
                cursor.index = index
            self.removed = 0
        for cursor in list(self.joining):
            if cursor.n == self.sent:
                del self.joining[cursor]
                self._list(cursor)

    @property
    def empty(self) -> bool:
        return not (self.cursors or self.joining or self.individual)


class Stream:
    """One open stream. `state` is the newest data of each key as the rules see it: the full view and unseen events."""

    __slots__ = ("being_served", "cursors", "idle", "lanes", "loading", "logs", "moving", "name", "pending", "retained",
                 "rule", "seq", "state", "tags", "volatile")

    def __init__(self, name: str, rule: Rule) -> None:
        self.name = name
        self.rule = rule
        self.seq = 0
        self.loading = True
        self.pending: list[Event] = []
        self.logs: dict[View, Log] = {}
        self.lanes: dict[tuple[View, str], Lane] = {}
        self.state: dict[str, Any] = {}
        self.cursors: dict[Cursor, None] = {}
        self.tags: dict[str, dict[Cursor, None]] = {}
        self.moving: deque[Cursor] = deque()
        self.volatile: deque[tuple[int, str]] = deque()
        self.retained: dict[str, tuple[int, str]] = {}
        self.being_served = False
        self.idle = 0

    def apply(self, event: Event) -> bool:
        """Take one event into the logs of its views; True when a rule may look at what it changed."""
        self.seq = event.seq
        for view, log in self.logs.items():
            if event.view & view:
                log.append(event)
        return self.note(event)

    def note(self, event: Event) -> bool:
        """Keep what the rule of this stream looks at; it sees the full view and events that no view shows."""
        if event.key not in self.rule.keys or event.view == View.MASKED:
            return False
        self.state[event.key] = None if event.data is None else msgspec.json.decode(event.data)
        return True

    def lane(self, view: View, framing: Framing) -> Lane:
        key = (view, framing.name)
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(view, framing, self.logs[view].head)
        return lane
