"""Logs that were not read to their end: what is there is read once and deleted, and what is lost is given up once."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import pytest
from tornado.ioloop import IOLoop

from livewall.clock import utc_now
from livewall.store.sqlite import migrate
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks import rows
from livewall.tasks.attempt import Attempt, attempt_of
from livewall.tasks.log_recovery import recover
from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.service import Logs
from livewall.tasks.machine import Step, StepState, TaskState
from livewall.tasks.supervisor.truncation import truncation

NOW = "2026-01-02T03:04:05.000Z"
R = TypeVar("R")


class Ended:
    """A task whose only step ended after its second attempt, with a log of 8 bytes, of which none was read."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "tasks"
        self.attempts: list[Attempt] = [attempt_of(self.folder, "1", "a", number) for number in (1, 2)]
        for attempt in self.attempts:
            attempt.folder.mkdir(parents=True)
            attempt.output.write_bytes(b"abc\n")
            attempt.times.write_bytes(b"")
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.connection)
        task = rows.Task(
            id="1", pipeline="p", title="p", state=TaskState.SUCCEEDED, created_at=NOW, ended_at=NOW, started_by="lin"
        )
        row = rows.TaskRow(task, "c1", False, rows.Place.TAKEN, "1", "epoch", "{}", "{}")
        step = Step(name="a", needs=[], state=StepState.SUCCEEDED, attempt=2, ended_at=NOW)
        rows.insert(Transaction(self.connection), row, 1, [step])
        self.connection.execute("UPDATE steps SET log_base = 8")

    async def read(self, query: Callable[[sqlite3.Connection], R]) -> R:
        return query(self.connection)

    async def recover(self, data: Path) -> End | None:
        logs = Logs(data / "logs.db", hole=truncation, clock=utc_now)
        try:
            await recover(cast(Store, self), logs, self.folder)
            return await logs.end("1", "a")
        finally:
            await logs.close()


async def test_what_the_log_has_completely_is_deleted(io_loop: IOLoop, tmp_path: Path) -> None:
    task = Ended(tmp_path)
    for _ in range(2):
        end = await task.recover(tmp_path)
        assert end is not None and end.bytes == 8
        assert not any(path.exists() for each in task.attempts for path in (each.output, each.times))


@pytest.mark.parametrize("fault", ["deleted", "link", "folder"])
async def test_a_lost_output_is_given_up_once(
    io_loop: IOLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture, expected_logs: list[str], fault: str
) -> None:
    expected_logs.append("the rest of the log of 1/a is lost")
    task = Ended(tmp_path)
    output = task.attempts[-1].output
    output.unlink()
    if fault == "link":
        output.symlink_to("/etc/passwd")
    elif fault == "folder":
        output.mkdir()
    with caplog.at_level(logging.INFO, logger="livewall"):
        for _ in range(2):
            end = await task.recover(tmp_path)
            assert end is not None and end.bytes == 8, "a gap stands in the place of what is lost"
    assert [record.getMessage() for record in caplog.records] == [
        "the rest of the log of 1/a is lost: its output was deleted or replaced"
    ]
