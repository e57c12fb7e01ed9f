"""The retention of logs: those of ended tasks are deleted by age, and the oldest ones if all are too large.

A log disappears at once. Its rows are deleted, and their space is freed, in small steps that do not delay other writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

PURGE_ROWS = 128
"""How many rows one job deletes."""
VACUUM_PAGES = 512
"""How many pages of the database one job frees."""


def expired_tasks(
    c: sqlite3.Connection, *, before: int | None, size: int | None, running: Collection[str]
) -> list[str]:
    """Return the tasks whose logs are to be deleted.

    These were last written to before `before` (ms since 1970), or are the oldest while all logs take more than `size`
    bytes. None means no limit.
    """
    rows = c.execute("SELECT task, MAX(touched), SUM(stored) FROM logs GROUP BY task ORDER BY 2, 1").fetchall()
    total = sum(row[2] for row in rows)
    expired = []
    for task, touched, stored in rows:
        if task in running:
            continue
        if (before is not None and touched < before) or (size is not None and total > size):
            expired.append(task)
            total -= stored
    return expired


def mark_deleted(c: sqlite3.Connection, tasks: Iterable[str]) -> None:
    """Make the logs of these tasks disappear; `purge` deletes their rows later."""
    for task in tasks:
        c.execute("INSERT INTO doomed SELECT id FROM logs WHERE task = :task", {"task": task})
        c.execute("DELETE FROM logs WHERE task = :task", {"task": task})


def purge(c: sqlite3.Connection) -> bool:
    """Delete some rows of deleted logs, or free some space. Return False if nothing is left to do."""
    row = c.execute("SELECT log FROM doomed LIMIT 1").fetchone()
    if row is None:
        free = c.execute("PRAGMA freelist_count").fetchone()[0]
        for _ in range(min(VACUUM_PAGES, free)):
            # Python steps a statement without rows once, which frees one page.
            c.execute("PRAGMA incremental_vacuum(1)")
        return bool(free)
    keys = {"log": row[0]}
    deleted = c.execute(
        f"""DELETE FROM chunks WHERE id IN
            (SELECT id FROM chunks WHERE log = :log ORDER BY start LIMIT {PURGE_ROWS})""",
        keys,
    )
    if deleted.rowcount < PURGE_ROWS:
        c.execute("DELETE FROM gaps WHERE log = :log", keys)
        c.execute("DELETE FROM doomed WHERE log = :log", keys)
    return True
