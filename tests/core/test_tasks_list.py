"""The stream of the list of tasks: the live ones and the last hundred that ended, and a bounded memory of the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from livewall.clock import later, moment
from livewall.hub.log import MAX_LEFT_OUT
from livewall.store.sqlite import migrate
from livewall.store.transaction import Transaction
from livewall.tasks import rows
from livewall.tasks.machine import TaskState

NOW = "2026-01-02T03:04:05.000Z"


@pytest.fixture
def tx() -> Iterator[Transaction]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    connection.execute("BEGIN")
    yield Transaction(connection)
    connection.close()


def add(tx: Transaction) -> rows.Task:
    number, id = rows.free_id(tx)
    task = rows.Task(id=id, pipeline=None, title=id, state=TaskState.PENDING, created_at=NOW, started_by="lin")
    rows.insert(tx, rows.TaskRow(task, "c1", False, rows.Place.TAKEN, id), number, [])
    return task


def end(tx: Transaction, task: rows.Task, seconds: float) -> None:
    task.state, task.ended_at = TaskState.SUCCEEDED, later(moment(NOW), seconds)
    rows.save_task(tx, task)


def listed(tx: Transaction) -> set[str]:
    return {key for (key,) in tx.all("SELECT key FROM latest WHERE stream = 'tasks' AND data IS NOT NULL")}


@pytest.mark.parametrize("before", range(4))
def test_deletions_are_forgotten_whatever_the_rhythm_of_events(before: int, tx: Transaction) -> None:
    for _ in range(before):
        add(tx)  # these go on
    for turn in range(1600):
        task = add(tx)
        task.state = TaskState.RUNNING
        rows.save_task(tx, task)
        end(tx, task, turn)
    [(deletions,)] = tx.all("SELECT COUNT(*) FROM latest WHERE stream = 'tasks' AND data IS NULL")
    assert deletions <= MAX_LEFT_OUT + rows.FORGET_EVERY
    assert len(listed(tx)) == rows.LISTED_ENDED + before


def test_a_task_that_ended_long_ago_does_not_come_back_to_stay(tx: Transaction) -> None:
    first, *rest = [add(tx) for _ in range(rows.LISTED_ENDED + 20)]
    end(tx, first, 0)
    for turn, task in enumerate(rest, 1):
        end(tx, task, turn)
    before = listed(tx)
    first.reason = "a late report"
    rows.save_task(tx, first)
    assert listed(tx) == before and len(before) == rows.LISTED_ENDED
    end(tx, late := add(tx), -3600)  # the clock was set back
    assert listed(tx) == before and f"task/{late.id}" not in before
