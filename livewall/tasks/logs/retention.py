"""How long logs are kept: those of tasks that ended go by age, and the oldest of them where all are too large.

A log disappears at once; its rows are deleted, and their space given back, a few at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

PURGED_AT_ONCE = 128
"""Rows that are deleted in one go."""
PAGES = 512
"""Pages of the database that are given back in one go."""


def ended_before(
    c: sqlite3.Connection, *, before: int | None, size: int | None, running: Collection[str]
) -> list[str]:
    """The tasks whose logs are to go: last written to before `before` (ms), or the oldest while all of them take more
    than `size` bytes; None is no limit."""
    rows = c.execute("SELECT task, MAX(touched), SUM(stored) FROM logs GROUP BY task ORDER BY 2, 1").fetchall()
    total = sum(row[2] for row in rows)
    found = []
    for task, touched, stored in rows:
        if task in running:
            continue
        if (before is not None and touched < before) or (size is not None and total > size):
            found.append(task)
            total -= stored
    return found


def mark_deleted(c: sqlite3.Connection, tasks: Iterable[str]) -> None:
    """The logs of these tasks are there no more."""
    for task in tasks:
        c.execute("INSERT INTO doomed SELECT id FROM logs WHERE task = :task", {"task": task})
        c.execute("DELETE FROM logs WHERE task = :task", {"task": task})


def purge(c: sqlite3.Connection) -> bool:
    """Delete some of what is left of logs, or give some space back; False when nothing is left to do."""
    row = c.execute("SELECT log FROM doomed LIMIT 1").fetchone()
    if row is None:
        free = c.execute("PRAGMA freelist_count").fetchone()[0]
        for _ in range(min(PAGES, free)):
            c.execute("PRAGMA incremental_vacuum(1)")  # a statement without rows is stepped once: a page at a time
        return bool(free)
    keys = {"log": row[0]}
    gone = c.execute(
        f"""DELETE FROM chunks WHERE id IN
            (SELECT id FROM chunks WHERE log = :log ORDER BY start LIMIT {PURGED_AT_ONCE})""",
        keys,
    )
    if gone.rowcount < PURGED_AT_ONCE:
        c.execute("DELETE FROM gaps WHERE log = :log", keys)
        c.execute("DELETE FROM doomed WHERE log = :log", keys)
    return True
