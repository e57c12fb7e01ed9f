"""The rows of logs. Every function is called within a transaction, and its result is valid if that commits.

A log consists of compressed chunks, followed by open rows without compression. When the open rows are large enough for
a chunk, they become one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from livewall.tasks.logs.chunks import End, Mark, Sizes, marks_between, pack, pack_marks, pieces, unpack, unpack_marks
from livewall.tasks.logs.numbering import Gap

ROW_OVERHEAD = 64
"""The approximate size of a row besides its contents, in bytes."""
SIZES = Sizes()
_LOG = "id, task, step, bytes, newlines, partial, extra, closed, stored"
_STORED = f"COALESCE(SUM(length(data) + length(marks) + {ROW_OVERHEAD}), 0)"


class Log(NamedTuple):
    """The row of a log; `livewall.tasks.logs.schema` describes the columns."""

    id: int
    task: str
    step: str
    bytes: int = 0
    newlines: int = 0
    partial: int = 0
    extra: int = 0
    closed: int = 0
    stored: int = 0

    @property
    def end(self) -> End:
        return End(self.bytes, self.newlines + self.extra + self.partial)


def find(c: sqlite3.Connection, task: str, step: str) -> Log | None:
    row = c.execute(f"SELECT {_LOG} FROM logs WHERE task = :task AND step = :step", {"task": task, "step": step})
    values = row.fetchone()
    return Log(*values) if values else None


def all_of(c: sqlite3.Connection, task: str) -> list[Log]:
    return [Log(*row) for row in c.execute(f"SELECT {_LOG} FROM logs WHERE task = :task", {"task": task})]


def find_or_insert(c: sqlite3.Connection, task: str, step: str) -> Log:
    """Return the log of a step, and insert one if there is none."""
    log = find(c, task, step)
    if log is None:
        inserted = c.execute(
            """INSERT INTO logs (task, step, bytes, newlines, partial, extra, closed, stored, touched)
            VALUES (:task, :step, 0, 0, 0, 0, 0, 0, 0)""",
            {"task": task, "step": step},
        )
        assert inserted.lastrowid is not None
        log = Log(inserted.lastrowid, task, step)
    return log


def save(c: sqlite3.Connection, log: Log, now: int) -> None:
    """Update the row of `log`; `now` is in ms since 1970."""
    c.execute(
        """UPDATE logs SET bytes = :bytes, newlines = :newlines, partial = :partial, extra = :extra, closed = :closed,
            stored = :stored, touched = :now
        WHERE id = :id""",
        log._asdict() | {"now": now},
    )


def append(c: sqlite3.Connection, log: Log, data: bytes, marks: Sequence[Mark], sizes: Sizes = SIZES) -> Log:
    """Append `data` to a log. The last mark must reach to the end of the data."""
    if not data:
        return log
    if log.bytes - log.closed + len(data) < sizes.chunk:
        stored, closed = log.stored + _extend(c, log, data, marks, sizes), log.closed
    else:
        before, open_data, open_marks, stored = _take_open(c, log)
        closed = log.closed
        for piece in pieces(closed, open_data + data, [*open_marks, *marks], sizes.chunk):
            full = len(piece.data) == sizes.chunk
            stored += _insert(c, log.id, piece.start, before, piece.data, piece.marks, packs=full)
            before += piece.data.count(b"\n")
            if full:
                closed = piece.start + sizes.chunk
    return log._replace(
        bytes=log.bytes + len(data),
        newlines=log.newlines + data.count(b"\n"),
        partial=int(data[-1:] != b"\n"),
        closed=closed,
        stored=stored,
    )


def close(c: sqlite3.Connection, log: Log) -> Log:
    """Turn the open rows into a compressed chunk."""
    if log.closed == log.bytes:
        return log
    before, data, marks, stored = _take_open(c, log)
    stored += _insert(c, log.id, log.closed, before, data, marks, packs=True)
    return log._replace(closed=log.bytes, stored=stored)


def add_gap(c: sqlite3.Connection, log: Log, start: int, end: int) -> Log:
    """Replace the bytes from `start` to `end` by a gap; if `end` lies beyond the end of the log, the log ends there.

    Adjacent gaps are merged.
    """
    log = close(c, log)
    adjacent = [
        Gap(*row)
        for row in c.execute(
            """SELECT start, "end", before, after, broken FROM gaps
            WHERE log = :log AND start <= :end AND "end" >= :start""",
            {"log": log.id, "start": start, "end": end},
        )
    ]
    start, end = min([start, *(g.start for g in adjacent)]), max([end, *(g.end for g in adjacent)])
    stored = log.stored + _delete_between(c, log.id, start, end)
    head = c.execute(
        """SELECT before + newlines, packed, data FROM chunks WHERE log = :log AND start < :start
        ORDER BY start DESC LIMIT 1""",
        {"log": log.id, "start": start},
    ).fetchone()
    tail = c.execute(
        "SELECT before FROM chunks WHERE log = :log AND start >= :end ORDER BY start LIMIT 1",
        {"log": log.id, "end": end},
    ).fetchone()
    gap = Gap(
        start,
        end,
        head[0] if head else 0,
        tail[0] if tail else log.newlines,
        head is not None and unpack(head[1], head[2])[-1:] != b"\n",
    )
    keys = {"log": log.id, "start": start, "end": end}
    c.execute("DELETE FROM gaps WHERE log = :log AND start >= :start AND start <= :end", keys)
    c.execute("INSERT INTO gaps VALUES (:log, :start, :end, :before, :after, :broken)", gap._asdict() | {"log": log.id})
    size = max(log.bytes, end)
    return log._replace(
        bytes=size,
        closed=size,
        partial=log.partial if tail else 0,
        extra=sum(g.extra for g in gaps(c, log.id)),
        stored=stored,
    )


def gaps(c: sqlite3.Connection, log: int) -> list[Gap]:
    rows = c.execute(
        'SELECT start, "end", before, after, broken FROM gaps WHERE log = :log ORDER BY start', {"log": log}
    )
    return [Gap(start, stop, before, after, bool(broken)) for start, stop, before, after, broken in rows]


def _extend(c: sqlite3.Connection, log: Log, data: bytes, marks: Sequence[Mark], sizes: Sizes) -> int:
    """Append to the last open row, or insert another; return by how many bytes the rows grew."""
    last = None
    if log.closed < log.bytes:
        last = c.execute(
            "SELECT id, start, size, marks, data FROM chunks WHERE log = :log ORDER BY start DESC LIMIT 1",
            {"log": log.id},
        ).fetchone()
    if last is None or last[2] + len(data) > sizes.row:
        return _insert(c, log.id, log.bytes, log.newlines, data, marks, packs=False)
    log_id, start, _, packed_marks, text = last
    text += data
    both = pack_marks(marks_between([*unpack_marks(packed_marks, start), *marks], start, start + len(text)), start)
    c.execute(
        "UPDATE chunks SET size = :size, newlines = :newlines, marks = :marks, data = :data WHERE id = :id",
        {"id": log_id, "size": len(text), "newlines": text.count(b"\n"), "marks": both, "data": text},
    )
    return len(data) + len(both) - len(packed_marks)


def _take_open(c: sqlite3.Connection, log: Log) -> tuple[int, bytes, list[Mark], int]:
    """Delete the open rows; return the newlines before them, their text, their marks, and the size stored without
    them."""
    keys = {"log": log.id, "closed": log.closed}
    rows = c.execute(
        "SELECT start, before, marks, data FROM chunks WHERE log = :log AND start >= :closed ORDER BY start", keys
    ).fetchall()
    c.execute("DELETE FROM chunks WHERE log = :log AND start >= :closed", keys)
    stored = log.stored - sum(len(marks) + len(data) + ROW_OVERHEAD for _, _, marks, data in rows)
    marks = [mark for start, _, packed, _ in rows for mark in unpack_marks(packed, start)]
    return rows[0][1] if rows else log.newlines, b"".join([row[3] for row in rows]), marks, stored


def _insert(
    c: sqlite3.Connection, log: int, start: int, before: int, data: bytes, marks: Sequence[Mark], *, packs: bool
) -> int:
    """Insert a row; return its approximate size."""
    packed, stored = pack(data) if packs else (False, data)
    marked = pack_marks(marks_between(marks, start, start + len(data)), start)
    c.execute(
        """INSERT INTO chunks (log, start, size, before, newlines, packed, marks, data)
        VALUES (:log, :start, :size, :before, :newlines, :packed, :marks, :data)""",
        {
            "log": log,
            "start": start,
            "size": len(data),
            "before": before,
            "newlines": data.count(b"\n"),
            "packed": packed,
            "marks": marked,
            "data": stored,
        },
    )
    return len(stored) + len(marked) + ROW_OVERHEAD


def _delete_between(c: sqlite3.Connection, log: int, start: int, end: int) -> int:
    """Delete the bytes of chunks between `start` and `end`; return the change of the size of all rows."""
    keys = {"log": log, "start": start, "end": end}
    inside = "log = :log AND start >= :start AND start + size <= :end AND start < :end"
    grown = -int(c.execute(f"SELECT {_STORED} FROM chunks WHERE {inside}", keys).fetchone()[0])
    c.execute(f"DELETE FROM chunks WHERE {inside}", keys)
    # At most two chunks are left that overlap the range: one at either edge, or one that contains it.
    for offset in (start, end):
        row = c.execute(
            """SELECT id, start, before, packed, marks, data FROM chunks WHERE log = :log AND start <= :place
            ORDER BY start DESC LIMIT 1""",
            {"log": log, "place": offset},
        ).fetchone()
        if row is None:
            continue
        log_id, at, before, packed, marked, stored = row
        data, marks = unpack(packed, stored), unpack_marks(marked, at)
        if at >= end or at + len(data) <= start:
            continue
        c.execute("DELETE FROM chunks WHERE id = :id", {"id": log_id})
        grown -= len(stored) + len(marked) + ROW_OVERHEAD
        if at < start:
            grown += _insert(c, log, at, before, data[: start - at], marks, packs=True)
        if at + len(data) > end:
            behind = before + data.count(b"\n", 0, end - at)
            grown += _insert(c, log, end, behind, data[end - at :], marks, packs=True)
    return grown
