"""What a cursor that is behind is handed at once: the next part of a snapshot or of what it missed, as bytes.

A snapshot, a resume and catching up are the same operation at different positions. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from livewall.hub import position
from livewall.hub.framing import event_json, reset_json, synced_json
from livewall.hub.log import Event, Log
from livewall.hub.reader import Cursor


class CatchUpBatch(NamedTuple):
    """Bytes, where the cursor stands once they went out, and whether they end its snapshot."""

    data: bytes
    n: int
    synced: bool


def missing_events(cursor: Cursor, log: Log) -> list[Event]:
    """What the cursor lacks of its view; where it is owed a snapshot it is put at the beginning."""
    if cursor.owes_reset:
        cursor.n = 0
        cursor.retained_sent = False
        cursor.snapshot_base = log.base
        cursor.snapshot_head = log.head
    events = log.after(cursor.n)
    if cursor.owes_synced:
        events = [e for e in events if e.data is not None or e.seq > cursor.snapshot_head]
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
    """The first of `events`, after a reset where it is owed. `ids` is what stands before and after the cursor's own
    position in an id; `to_head` says that `events` reach the log's head; after `most` bytes there is no further one."""
    name, framing = cursor.stream.name, cursor.reader.outlet.framing
    start = position.prefix(epoch, cursor.view)
    before, after = ids
    parts: list[bytes] = []
    size, n, whole = 0, cursor.n, True
    if cursor.owes_reset:
        parts.append(framing.frame(reset_json(name, log.earlier), None))
    for event in events:
        if size > max_bytes:
            whole = False
            break
        own = None if cursor.owes_synced else f"{before}{start}{event.seq}{after}"
        parts.append(framing.frame(event_json(name, start, event, n), own))
        size += len(parts[-1])
        n = event.seq
    synced = False
    if whole and to_head:
        n = max(n, log.head)
        if cursor.owes_synced:
            synced = True
            here = f"{start}{n}"
            parts.append(framing.frame(synced_json(name, here, now()), f"{before}{here}{after}"))
    return CatchUpBatch(b"".join(parts), n, synced)
