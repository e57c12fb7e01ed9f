"""What follows a failed task whose pipeline has `[on_failure]`: a poll is asked, and may start another pipeline.

Each step of it is part of one write, with its line in the audit log, so that it is taken once.
"""

from __future__ import annotations

import logging

import msgspec
from msgspec import UNSET

from livewall import audit
from livewall.errors import LivewallError
from livewall.store.transaction import Transaction
from livewall.tasks import rows
from livewall.tasks.gates import AsksPolls
from livewall.tasks.kinds.poll_table import filled_poll
from livewall.tasks.machine import TaskState
from livewall.tasks.pipelines.on_failure import OnFailure
from livewall.tasks.rows import FollowUp, Task
from livewall.tasks.template import Outputs, Params

log = logging.getLogger("livewall.tasks")

FAILURES = frozenset({TaskState.FAILED, TaskState.LOST})
"""The ends of a task that are failures: of a lost one nobody knows what it has left behind."""


def ask(
    tx: Transaction, task: Task, given: OnFailure, params: Params, outputs: Outputs, polls: AsksPolls, now: str
) -> None:
    """Ask the poll of a task that has just failed. If that is not possible, nothing follows, and the reason is said."""
    try:
        asked = polls.ask(tx, filled_poll(given.poll, "", params, outputs), task.id, now)
    except LivewallError as error:
        end_without(tx, task, error.message, now)
        reason = error.message
        tx.after_commit(lambda: log.warning("the poll on the failure of task %s was not asked: %s", task.id, reason))
        return
    until = UNSET if asked.closes_at is None else asked.closes_at
    _save(tx, task, FollowUp(state="open", poll=asked.poll, until=until))


def end_without(tx: Transaction, task: Task, reason: str, now: str) -> None:
    """Say that nothing is started, and why."""
    before = FollowUp(state="over") if task.on_failure is UNSET else task.on_failure
    _move(tx, task, msgspec.structs.replace(before, state="over", reason=reason, until=UNSET), now)


def begin_start(tx: Transaction, task: Task, reason: str, now: str) -> None:
    """Say that the poll passed, so that the other pipeline is to be started."""
    assert task.on_failure is not UNSET
    _move(tx, task, msgspec.structs.replace(task.on_failure, state="starting", reason=reason, until=UNSET), now)


def started(tx: Transaction, task: Task, new: str, now: str) -> None:
    """Say which task was started."""
    assert task.on_failure is not UNSET
    _move(tx, task, msgspec.structs.replace(task.on_failure, state="started", started=new), now)


def move(tx: Transaction, task: Task, until: str | None) -> None:
    """Say when the poll closes, because its closing time was changed."""
    assert task.on_failure is not UNSET
    after = msgspec.structs.replace(task.on_failure, until=UNSET if until is None else until)
    if after != task.on_failure:
        _save(tx, task, after)


def withdraw(tx: Transaction, task: Task, reason: str, polls: AsksPolls, now: str) -> None:
    """Close the poll of a task and start nothing."""
    assert task.on_failure is not UNSET and task.on_failure.poll is not UNSET
    # Before the poll is closed, so that its result decides nothing.
    end_without(tx, task, reason, now)
    polls.end(tx, task.on_failure.poll, now)


def _move(tx: Transaction, task: Task, after: FollowUp, now: str) -> None:
    _save(tx, task, after)
    detail = {"poll": after.poll, "started": after.started}
    audit.note(
        tx, None, now, "task.on_failure", rows.stream_of(task.id),
        state=after.state, reason=after.reason, **{key: value for key, value in detail.items() if value is not UNSET},
    )  # fmt: skip


def _save(tx: Transaction, task: Task, after: FollowUp) -> None:
    rows.save_task(tx, msgspec.structs.replace(task, on_failure=after))
