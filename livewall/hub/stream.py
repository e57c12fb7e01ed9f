"""A stream that is open in this process: its logs, its lanes of readers, and the state that its rule reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from livewall.hub.framing import Framing
from livewall.hub.log import Event, Log
from livewall.hub.position import View
from livewall.hub.reader import Cursor

Send = Callable[[bytes], int]
State = Mapping[str, Any]
"""The data of the events that a rule reads, by their keys; None for a key that was deleted."""


class Rule(Protocol):
    """Decides who may read a kind of stream, and which view. The decision depends on the stream's state, not on the
    transport."""

    keys: Mapping[str, Any]
    """The keys of the events that the rule reads, with the types of their data."""

    def view(self, state: State, who: Any, viewer_state: Any) -> View:
        """Return the view that `who` gets. Raises LivewallError if there is none."""

    def needs_viewer_state(self, state: State, who: Any) -> bool:
        """Return whether the decision depends on a state of the viewer's own (its ballot)."""

    def viewer_tag(self, name: str, who: Any) -> str | None:
        """Return the name under which `set_viewer_state` reaches this viewer; None if there is no such state."""

    async def load_viewer_state(self, name: str, who: Any) -> Any:
        """Load the state of a viewer from the store. Called only where there is a tag."""


class StateRule:
    """The base of rules that read only the state of the stream, and nothing of the viewer's own."""

    def needs_viewer_state(self, state: State, who: Any) -> bool:
        return False

    def viewer_tag(self, name: str, who: Any) -> str | None:
        return None

    async def load_viewer_state(self, name: str, who: Any) -> None:
        return None


def _removed(data: bytes) -> int:
    """Stand in for the `send` of a reader that left during a publication; takes everything."""
    return len(data)


class Lane:
    """The readers of one view and framing that are not behind, as a flat list of their bound `send`.

    All stand at `sent`. During a publication the readers before `progress` stand at `target` already.
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

    def n_at(self, index: int) -> int:
        if self.target is not None and index < self.progress:
            return self.target
        return self.sent

    def join(self, cursor: Cursor) -> None:
        """Put a cursor that is not behind on the lane. During a publication it waits for the next one."""
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
        """Take a cursor off; its position is kept in its `n`. Never moves other cursors during a publication."""
        index = cursor.index
        if index < 0:
            self.joining.pop(cursor, None)
            self.individual.pop(cursor, None)
        else:
            cursor.n = self.n_at(index)
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
        """Take off every cursor that is on the lane or waits to join it. Not to be called during a publication."""
        removed = [*(c for c in reversed(self.cursors) if c is not None), *self.joining]
        for cursor in removed:
            self.leave(cursor)
        return removed

    def begin(self, head: int) -> list[Cursor]:
        """Start a publication up to `head`. Returns the cursors that wait to join from a position other than `sent` or
        `head`."""
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
        """End a publication that has reached all readers."""
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
    """One open stream. `state` is the newest data of each key as the rule sees it: of the full view and of unseen
    events. `wire_name` is what readers call it: of a personal stream, it is the same for everybody (LiveHub).
    """

    __slots__ = (
        "being_served",
        "cursors",
        "idle",
        "lanes",
        "loading",
        "logs",
        "moving",
        "name",
        "pending",
        "retained",
        "rule",
        "seq",
        "state",
        "tags",
        "volatile",
        "wire_name",
    )

    def __init__(self, name: str, rule: Rule, wire_name: str | None = None) -> None:
        self.name = name
        self.wire_name = wire_name or name
        self.rule = rule
        self.seq = 0
        self.loading = True
        self.pending: list[Event] = []
        self.logs: dict[View, Log] = {}
        self.lanes: dict[tuple[View, str], Lane] = {}
        self.state: dict[str, object] = {}
        self.cursors: dict[Cursor, None] = {}
        self.tags: dict[str, dict[Cursor, None]] = {}
        self.moving: deque[Cursor] = deque()
        self.volatile: deque[tuple[int, str]] = deque()
        self.retained: dict[str, tuple[int, str]] = {}
        self.being_served = False
        self.idle = 0

    @property
    def is_personal(self) -> bool:
        return self.wire_name != self.name

    def apply(self, event: Event) -> bool:
        """Append one event to the logs of its views; return whether a rule reads the key it changed."""
        self.seq = event.seq
        for view, log in self.logs.items():
            if event.view & view:
                log.append(event)
        return self.note(event)

    def note(self, event: Event) -> bool:
        """Keep the data of an event that the rule of this stream reads; return whether it does. Rules see the full view
        and the events that no view shows."""
        key = event.key
        if key not in self.rule.keys or event.view == View.MASKED:
            return False
        self.state[key] = None if event.data is None else msgspec.json.decode(event.data, type=self.rule.keys[key])
        return True

    def lane(self, view: View, framing: Framing) -> Lane:
        key = (view, framing.name)
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(view, framing, self.logs[view].head)
        return lane
