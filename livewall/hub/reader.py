"""Readers and cursors: where one connection stands in each of its streams.

A reader has no queue. The events it lacks are taken from the log whenever its outlet can take bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from livewall.hub import position
from livewall.hub.framing import Framing
from livewall.hub.position import View

if TYPE_CHECKING:
    from livewall.errors import LivewallError
    from livewall.hub.stream import Lane, Stream


class Outlet(Protocol):
    """The part of a connection that the hub uses. Every method but `send` may call the hub."""

    @property
    def framing(self) -> Framing: ...

    @property
    def send(self) -> Callable[[bytes], int]: ...

    """Write now and return how many bytes were sent. Raises BlockingIOError when none can be, another OSError when the
    connection is gone."""

    def keep(self, unsent: bytes) -> None:
        """Keep the rest of a batch that was sent in part: send it before anything else, then call `Hub.ready`."""

    def watch(self) -> None:
        """Call `Hub.ready` once bytes can be taken again."""

    def ended(self, stream: str, error: LivewallError) -> None:
        """Note that the reader lost the right to this stream, or that it no longer exists; it has been detached."""

    def lost(self) -> None:
        """Close the connection: a call of `send`, `keep`, `watch` or `ended` raised, and the hub has removed the
        reader."""


class State(Enum):
    READY = "ready"
    BLOCKED = "blocked"
    GONE = "gone"


class Reader:
    """One connection of a viewer (`who`, opaque to the hub) with a cursor for each stream it follows, in order."""

    __slots__ = ("__weakref__", "cursors", "outlet", "state", "who")

    def __init__(self, outlet: Outlet, who: Any) -> None:
        self.outlet = outlet
        self.who = who
        self.state = State.READY
        self.cursors: dict[str, Cursor] = {}

    def positions(self, epoch: str) -> dict[str, str]:
        """Return the position in each stream whose snapshot is complete."""
        return {
            name: f"{position.prefix(epoch, cursor.view)}{cursor.current_n}"
            for name, cursor in self.cursors.items()
            if not cursor.needs_reset and not cursor.needs_synced
        }

    def leave_lanes(self) -> None:
        for cursor in self.cursors.values():
            if cursor.lane is not None:
                cursor.lane.leave(cursor)


class Cursor:
    """Where one reader stands in one view of one stream.

    While the cursor is on a lane's list, its position is the lane's (`Lane.sent`), so that a publication touches no
    cursor. `snapshot_base` and `snapshot_head` are the log's base and head at the start of a snapshot: deletions up to
    `snapshot_head` are left out of it. `state_requested` says that the store is being asked for `viewer_state`;
    `state_superseded`, that a newer one arrived meanwhile, so that the store's answer is stale. `waiting` says that
    nothing is sent before that answer, because it decides whether the reader may resume from `claimed_position`.
    """

    __slots__ = (
        "claimed_position",
        "index",
        "lane",
        "loading",
        "n",
        "needs_reset",
        "needs_synced",
        "reader",
        "retained_sent",
        "snapshot_base",
        "snapshot_head",
        "started",
        "state_requested",
        "state_superseded",
        "stream",
        "tag",
        "view",
        "viewer_state",
        "waiting",
    )

    def __init__(self, reader: Reader, stream: Stream, view: View, viewer_state: Any) -> None:
        self.reader = reader
        self.stream = stream
        self.view = view
        self.viewer_state = viewer_state
        self.started = False
        self.retained_sent = False
        self.state_requested = False
        self.state_superseded = False
        self.waiting = False
        self.claimed_position: str | None = None
        self.tag: str | None = None
        self.n = 0
        self.snapshot_base = 0
        self.snapshot_head = 0
        self.needs_reset = True
        self.needs_synced = True
        self.loading = False
        self.lane: Lane | None = None
        self.index = -1

    @property
    def current_n(self) -> int:
        """The number of this cursor's position now."""
        if self.lane is None or self.index < 0:
            return self.n
        return self.lane.n_at(self.index)

    @property
    def can_receive(self) -> bool:
        """Whether a batch may be handed to this cursor now."""
        return (
            self.reader.state is State.READY
            and self.lane is None
            and self.started
            and not self.loading
            and not self.waiting
            and self in self.stream.cursors
        )

    def other_positions(self, epoch: str) -> tuple[str, str]:
        """Return the texts before and after this cursor's position in the id of a connection with several streams: the
        positions of its other cursors, empty for a cursor whose snapshot is not complete."""
        if self.reader.outlet.framing.shared:
            return "", ""
        held = self.reader.positions(epoch)
        names = list(self.reader.cursors)
        index = names.index(self.stream.wire_name)
        before = "".join(held.get(name, "") + "," for name in names[:index])
        return before, "".join("," + held.get(name, "") for name in names[index + 1 :])
