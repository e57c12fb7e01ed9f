"""The next batch for a cursor that is behind: a part of a snapshot, or of the events it missed, as bytes.

A snapshot, a resume and catching up are the same operation at different positions. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from livewall.hub import position
from livewall.hub.framing import event_json, reset_json, synced_json
from livewall.hub.log import Event, Log
from livewall.hub.reader import Cursor

MAX_SNAPSHOTS = 16
"""The number of framed parts of a snapshot that are cached for one log."""


class CatchUpBatch(NamedTuple):
    """Bytes to send, the cursor's position once they are sent, and whether they end its snapshot."""

    data: bytes
    n: int
    synced: bool


def missing_events(cursor: Cursor, log: Log) -> list[Event]:
    """Return the events of its view that the cursor lacks. A cursor that needs a snapshot is moved to the beginning
    first."""
    if cursor.needs_reset:
        cursor.n = 0
        cursor.retained_sent = False
        cursor.snapshot_base = log.base
        cursor.snapshot_head = log.head
    events = log.after(cursor.n)
    if cursor.needs_synced:
        events = [e for e in events if e.seq > cursor.snapshot_head or e.in_snapshots]
    return events


def catch_up_batch(
    cursor: Cursor,
    log: Log,
    events: Sequence[Event],
    *,
    epoch: str,
    now: Callable[[], str],
    ids: tuple[str, str],
    to_head: bool,
    max_bytes: int,
) -> CatchUpBatch:
    """Frame the first of `events`, after a reset if the cursor needs one.

    `ids` are the texts before and after the cursor's own position in an event's id; `to_head` says that `events` reach
    the head of the log. No further event is begun once the batch exceeds `max_bytes`.
    """
    name, framing = cursor.stream.wire_name, cursor.reader.outlet.framing
    start = position.prefix(epoch, cursor.view)
    before, after = ids
    # Events of a snapshot carry no ids, so all readers that begin at this log are sent the same bytes.
    key = framing.name, cursor.needs_reset, cursor.n, cursor.snapshot_head
    shared = cursor.needs_synced and to_head
    framed = log.snapshots.get(key) if shared else None
    if framed is None:
        framed = _framed(cursor, log, events, start, ids, max_bytes)
        if shared and len(log.snapshots) < MAX_SNAPSHOTS:
            log.snapshots[key] = framed
    data, n, complete = framed
    synced = False
    if complete and to_head:
        n = max(n, log.head)
        if cursor.needs_synced:
            synced = True
            pos = f"{start}{n}"
            data += framing.frame(synced_json(name, pos, now()), f"{before}{pos}{after}")
    return CatchUpBatch(data, n, synced)


def _framed(
    cursor: Cursor, log: Log, events: Sequence[Event], start: str, ids: tuple[str, str], max_bytes: int
) -> tuple[bytes, int, bool]:
    """Return the bytes of the first of `events`, the number of the last event among them, and whether all events are
    in."""
    name, framing = cursor.stream.wire_name, cursor.reader.outlet.framing
    before, after = ids
    parts: list[bytes] = []
    size, n = 0, cursor.n
    if cursor.needs_reset:
        parts.append(framing.frame(reset_json(name, log.earlier), None))
    for event in events:
        if size > max_bytes:
            return b"".join(parts), n, False
        own = None if cursor.needs_synced else f"{before}{start}{event.seq}{after}"
        parts.append(framing.frame(event_json(name, start, event, n), own))
        size += len(parts[-1])
        n = event.seq
    return b"".join(parts), n, True
