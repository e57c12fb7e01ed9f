"""What changes the rows of a log. Every function is called within a transaction, and its result holds if that commits.

A log is closed chunks, compressed, and behind them the open rows, as they came. Where open rows make up a chunk they
become one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from livewall.tasks.logs.chunks import End, Mark, Sizes, pack, pack_marks, pieces, unpack, unpack_marks, within
from livewall.tasks.logs.numbering import Gap

OVERHEAD = 64
"""What a row takes beside its contents, roughly."""
SIZES = Sizes()
_LOG = "id, task, step, bytes, newlines, partial, extra, closed, stored"
_STORED = f"COALESCE(SUM(length(data) + length(marks) + {OVERHEAD}), 0)"


class Log(NamedTuple):
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
    found = row.fetchone()
    return Log(*found) if found else None


def all_of(c: sqlite3.Connection, task: str) -> list[Log]:
    return [Log(*row) for row in c.execute(f"SELECT {_LOG} FROM logs WHERE task = :task", {"task": task})]


def make(c: sqlite3.Connection, task: str, step: str) -> Log:
    """The log of a step; a new one where there is none."""
    log = find(c, task, step)
    if log is None:
        made = c.execute(
            """INSERT INTO logs (task, step, bytes, newlines, partial, extra, closed, stored, touched)
            VALUES (:task, :step, 0, 0, 0, 0, 0, 0, 0)""",
            {"task": task, "step": step},
        )
        assert made.lastrowid is not None
        log = Log(made.lastrowid, task, step)
    return log


def save(c: sqlite3.Connection, log: Log, now: int) -> None:
    """Write down where `log` stands; `now` in ms since 1970."""
    c.execute(
        """UPDATE logs SET bytes = :bytes, newlines = :newlines, partial = :partial, extra = :extra, closed = :closed,
            stored = :stored, touched = :now
        WHERE id = :id""",
        log._asdict() | {"now": now},
    )


def append(c: sqlite3.Connection, log: Log, data: bytes, marks: Sequence[Mark], sizes: Sizes = SIZES) -> Log:
    """`data` at the end of a log. The last mark must reach to the end of it."""
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
    """Make one compressed chunk of the open rows."""
    if log.closed == log.bytes:
        return log
    before, data, marks, stored = _take_open(c, log)
    stored += _insert(c, log.id, log.closed, before, data, marks, packs=True)
    return log._replace(closed=log.bytes, stored=stored)


def cut(c: sqlite3.Connection, log: Log, start: int, end: int) -> Log:
    """Leave out what is between `start` and `end`, which may lie behind the end of the log: then it ends there.

    Gaps that touch become one.
    """
    log = close(c, log)
    touched = [Gap(*row) for row in c.execute(
        'SELECT start, "end", before, after, broken FROM gaps WHERE log = :log AND start <= :end AND "end" >= :start',
        {"log": log.id, "start": start, "end": end},
    )]
    start, end = min([start, *(g.start for g in touched)]), max([end, *(g.end for g in touched)])
    stored = log.stored + _leave_out(c, log.id, start, end)
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
        start, end, head[0] if head else 0, tail[0] if tail else log.newlines,
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
    """Append to the last open row, or begin another; returns by how much the rows grew."""
    last = None
    if log.closed < log.bytes:
        last = c.execute(
            "SELECT id, start, size, marks, data FROM chunks WHERE log = :log ORDER BY start DESC LIMIT 1",
            {"log": log.id},
        ).fetchone()
    if last is None or last[2] + len(data) > sizes.row:
        return _insert(c, log.id, log.bytes, log.newlines, data, marks, packs=False)
    log_id, start, _, held, text = last
    text += data
    both = pack_marks(within([*unpack_marks(held, start), *marks], start, start + len(text)), start)
    c.execute(
        "UPDATE chunks SET size = :size, newlines = :newlines, marks = :marks, data = :data WHERE id = :id",
        {"id": log_id, "size": len(text), "newlines": text.count(b"\n"), "marks": both, "data": text},
    )
    return len(data) + len(both) - len(held)


def _take_open(c: sqlite3.Connection, log: Log) -> tuple[int, bytes, list[Mark], int]:
    """Take the open rows out: newlines before them, their text and marks, and what is stored without them."""
    keys = {"log": log.id, "closed": log.closed}
    rows = c.execute(
        "SELECT start, before, marks, data FROM chunks WHERE log = :log AND start >= :closed ORDER BY start", keys
    ).fetchall()
    c.execute("DELETE FROM chunks WHERE log = :log AND start >= :closed", keys)
    stored = log.stored - sum(len(marks) + len(data) + OVERHEAD for _, _, marks, data in rows)
    marks = [mark for start, _, packed, _ in rows for mark in unpack_marks(packed, start)]
    return rows[0][1] if rows else log.newlines, b"".join([row[3] for row in rows]), marks, stored


def _insert(
    c: sqlite3.Connection, log: int, start: int, before: int, data: bytes, marks: Sequence[Mark], *, packs: bool
) -> int:
    """A row; returns what it takes."""
    packed, held = pack(data) if packs else (False, data)
    marked = pack_marks(within(marks, start, start + len(data)), start)
    c.execute(
        """INSERT INTO chunks (log, start, size, before, newlines, packed, marks, data)
        VALUES (:log, :start, :size, :before, :newlines, :packed, :marks, :data)""",
        {"log": log, "start": start, "size": len(data), "before": before, "newlines": data.count(b"\n"),
         "packed": packed, "marks": marked, "data": held},
    )
    return len(held) + len(marked) + OVERHEAD


def _leave_out(c: sqlite3.Connection, log: int, start: int, end: int) -> int:
    """Delete what the chunks have between `start` and `end`; returns by how much the rows grew, which is negative."""
    keys = {"log": log, "start": start, "end": end}
    inside = "log = :log AND start >= :start AND start + size <= :end AND start < :end"
    grown = -int(c.execute(f"SELECT {_STORED} FROM chunks WHERE {inside}", keys).fetchone()[0])
    c.execute(f"DELETE FROM chunks WHERE {inside}", keys)
    # At most two are left that reach into it: one over each edge, or one over both.
    for place in (start, end):
        row = c.execute(
            """SELECT id, start, before, packed, marks, data FROM chunks WHERE log = :log AND start <= :place
            ORDER BY start DESC LIMIT 1""",
            {"log": log, "place": place},
        ).fetchone()
        if row is None:
            continue
        log_id, at, before, packed, marked, held = row
        data, marks = unpack(packed, held), unpack_marks(marked, at)
        if at >= end or at + len(data) <= start:
            continue
        c.execute("DELETE FROM chunks WHERE id = :id", {"id": log_id})
        grown -= len(held) + len(marked) + OVERHEAD
        if at < start:
            grown += _insert(c, log, at, before, data[: start - at], marks, packs=True)
        if at + len(data) > end:
            behind = before + data.count(b"\n", 0, end - at)
            grown += _insert(c, log, end, behind, data[end - at :], marks, packs=True)
    return grown
