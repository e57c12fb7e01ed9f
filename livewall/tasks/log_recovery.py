"""Completes logs that were not read to their end when their step ended and the server was killed soon after.

The logs' database may have been locked at that time, for example.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import NamedTuple

import msgspec

from livewall.errors import LivewallError
from livewall.store.store import Store
from livewall.tasks import rows
from livewall.tasks.attempt import OUTPUT_CAP, attempt_of
from livewall.tasks.logs.follower import AttemptFiles
from livewall.tasks.logs.service import Logs

log = logging.getLogger("livewall.tasks")

RECENT_TASKS = 100
"""How many of the most recently ended tasks are examined, besides the unfinished ones."""


class _EndedStep(NamedTuple):
    """A step that ended here: its last attempt, the size of its log, and the size that was published."""

    task: str
    step: str
    attempt: int
    bytes: int
    published: int


async def recover(store: Store, logs: Logs, folder: Path) -> None:
    """Read the rest of the output of ended steps. A log that was deleted meanwhile stays deleted."""
    for step in await store.read(_ended_steps):
        try:
            end = await logs.end(step.task, step.step)
            if (end.bytes if end else step.published) >= step.bytes or (end is None and step.published):
                continue
            attempt = attempt_of(folder, step.task, step.step, step.attempt)
            base = step.bytes - attempt.output.stat().st_size
            logs.follow(step.task, step.step, AttemptFiles(attempt.output, attempt.times, OUTPUT_CAP), base)
            await logs.finish(step.task, step.step)
        except (LivewallError, OSError) as error:
            log.warning("the rest of the log of %s/%s cannot be read: %s", step.task, step.step, error)


def _ended_steps(connection: sqlite3.Connection) -> list[_EndedStep]:
    step_rows = connection.execute(
        """SELECT task, name, attempt, log_base FROM steps
        WHERE ended_at IS NOT NULL AND log_base > 0 AND task IN (
            SELECT id FROM tasks WHERE ended_at IS NULL AND definition IS NOT NULL
            UNION SELECT id FROM (SELECT id FROM tasks WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT :most)
        )""",
        {"most": RECENT_TASKS},
    ).fetchall()
    return [
        _EndedStep(task, step, attempt, size, _published_end(connection, task, step))
        for task, step, attempt, size in step_rows
    ]


def _published_end(connection: sqlite3.Connection, task: str, step: str) -> int:
    row = connection.execute(
        "SELECT data FROM latest WHERE stream = :stream AND key = 'end'", {"stream": rows.log_stream(task, step)}
    ).fetchone()
    return int(msgspec.json.decode(row[0])["bytes"]) if row else 0
