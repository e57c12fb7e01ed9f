"""Completes logs that were not read to their end when their step ended and the server was killed soon after.

The logs' database may have been locked at that time, for example.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from livewall.errors import LivewallError
from livewall.store.store import Store
from livewall.tasks import rows
from livewall.tasks.attempt import OUTPUT_CAP, Attempt, attempt_of
from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.follower import AttemptFiles
from livewall.tasks.logs.service import Logs

log = logging.getLogger("livewall.tasks")

RECENT_TASKS = 100
"""How many of the most recently ended tasks are examined, besides the unfinished ones."""


class _EndedStep(NamedTuple):
    """A step that ended here, or STEP@HOST: its last attempt, the size of its log, and the size that was published."""

    task: str
    step: str
    attempt: int
    bytes: int
    published: int


async def recover(store: Store, logs: Logs, folder: Path) -> None:
    """Read the rest of the output of ended steps, and delete the files of which the logs have all.

    A log that was deleted meanwhile stays deleted. What is lost becomes a gap, so that no later start looks for it.
    """
    for step in await store.read(_ended_steps):
        try:
            end = await logs.end(step.task, step.step)
            if end is None and step.published:
                continue
            if end is None or end.bytes < step.bytes:
                end = await _read_rest(logs, step, attempt_of(folder, step.task, step.step, step.attempt))
            if end is not None and end.bytes >= step.bytes:
                await asyncio.to_thread(_delete_outputs, folder, step)
        except (LivewallError, OSError) as error:
            log.warning("the rest of the log of %s/%s cannot be read: %s", step.task, step.step, error)


async def _read_rest(logs: Logs, step: _EndedStep, attempt: Attempt) -> End | None:
    """Read the output of the last attempt into the log; return its end, or None if the output is lost.

    Raises OSError, LivewallError.
    """
    size = await asyncio.to_thread(_size, attempt.output)
    if size is None:
        log.warning("the rest of the log of %s/%s is lost: its output was deleted or replaced", step.task, step.step)
        await logs.give_up(step.task, step.step, step.bytes)
        return None
    files = AttemptFiles(attempt.output, attempt.times, OUTPUT_CAP)
    logs.follow(step.task, step.step, files, step.bytes - size)
    return await logs.finish(step.task, step.step)


def _size(path: Path) -> int | None:
    """Return the size of a file, or None if there is none, or something else in its place. Raises OSError."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _delete_outputs(folder: Path, step: _EndedStep) -> None:
    for number in range(1, step.attempt + 1):
        attempt = attempt_of(folder, step.task, step.step, number)
        for path in (attempt.output, attempt.times):
            with suppress(OSError):
                path.unlink()


def _ended_steps(connection: sqlite3.Connection) -> list[_EndedStep]:
    step_rows = connection.execute(
        """SELECT task, name, attempt, log_base FROM (
            SELECT task, name, attempt, log_base, ended_at FROM steps
            UNION ALL SELECT task, step || '@' || host, attempt, log_base, ended_at FROM targets
        ) WHERE ended_at IS NOT NULL AND log_base > 0 AND task IN (
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
