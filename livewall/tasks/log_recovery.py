"""Logs whose step ended before they were read to the end (their database was locked, say), and then the server died."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import NamedTuple

import msgspec

from livewall.errors import LivewallError
from livewall.store.store import Store
from livewall.tasks import rows
from livewall.tasks.attempt import CAP, attempt_of
from livewall.tasks.logs.follower import AttemptFiles
from livewall.tasks.logs.service import Logs

log = logging.getLogger("livewall.tasks")

TASKS = 100
"""Tasks that ended last and are looked at, beside those that go on."""


class _Ended(NamedTuple):
    """A step that ended here: its last attempt, the bytes of its log, and how many were told of."""

    task: str
    step: str
    attempt: int
    bytes: int
    told: int


async def read_rest(store: Store, logs: Logs, folder: Path) -> None:
    """Read what is left in the outputs of steps that ended. A log that was deleted since stays so."""
    for step in await store.read(_ended):
        try:
            end = await logs.end(step.task, step.step)
            if (end.bytes if end else step.told) >= step.bytes or (end is None and step.told):
                continue
            attempt = attempt_of(folder, step.task, step.step, step.attempt)
            base = step.bytes - attempt.output.stat().st_size
            logs.follow(step.task, step.step, AttemptFiles(attempt.output, attempt.times, CAP), base)
            await logs.finish(step.task, step.step)
        except (LivewallError, OSError) as error:
            log.warning("the rest of the log of %s/%s cannot be read: %s", step.task, step.step, error)


def _ended(connection: sqlite3.Connection) -> list[_Ended]:
    found = connection.execute(
        """SELECT task, name, attempt, log_base FROM steps
        WHERE ended_at IS NOT NULL AND log_base > 0 AND task IN (
            SELECT id FROM tasks WHERE ended_at IS NULL AND definition IS NOT NULL
            UNION SELECT id FROM (SELECT id FROM tasks WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT :most)
        )""",
        {"most": TASKS},
    ).fetchall()
    return [_Ended(task, step, attempt, size, _told(connection, task, step)) for task, step, attempt, size in found]


def _told(connection: sqlite3.Connection, task: str, step: str) -> int:
    row = connection.execute(
        "SELECT data FROM latest WHERE stream = :stream AND key = 'end'", {"stream": rows.log_stream(task, step)}
    ).fetchone()
    return int(msgspec.json.decode(row[0])["bytes"]) if row else 0
