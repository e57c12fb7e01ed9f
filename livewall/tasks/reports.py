"""What foreign programs report, inside transactions: a step moved on, its reporter heard of, its reporter silent.

A lease belongs to whoever promised it, its holder. Every report about the step, and every piece of its log, by the
holder renews it. The last promise of whoever reports also holds for the task, between two steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from livewall import wire
from livewall.clock import moment
from livewall.errors import NotAllowed, Refused
from livewall.identity import Who
from livewall.store.transaction import Transaction
from livewall.tasks import machine, rows
from livewall.tasks.access import denied, owns
from livewall.tasks.lease_deadlines import Lease, Promises, deadlines, left_at_start
from livewall.tasks.machine import TASK_ENDED, Step, StepState, reported, silent
from livewall.tasks.rows import Task, TaskRow

Mask = Callable[[TaskRow, str, Who], str]
UNWRITTEN = 0.25
"""The part of a lease for which its holder may be heard of without that being written down."""


class Leased(NamedTuple):
    """What is kept of the leases of a step and its task, and when their holders were heard of, as it is written."""

    step: Lease | None
    step_heard: str | None
    task: Lease | None
    task_heard: str | None


class Heard(NamedTuple):
    """What came of a report: the step and its task, whether a cancel was asked for, and the leases."""

    step: Step
    task: Task
    cancel: bool
    leases: Leased


def report(
    tx: Transaction, task_id: str, name: str, given: wire.StepReport, who: Who, now: str, mask: Mask
) -> Heard:
    """Move a step on; the same report again changes nothing. Raises NotFound, NotAllowed, StepConflict."""
    row = rows.find(tx, task_id)
    before = rows.step(tx, task_id, name)
    state = None if given.state is msgspec.UNSET else StepState(given.state)
    progress = None if given.progress is msgspec.UNSET else given.progress
    message = None if given.message is msgspec.UNSET else mask(row, given.message, who)
    check_reporter(row, before, who, state)
    lapsed = tx.one("SELECT lapsed FROM steps WHERE task = :task AND name = :name", {"task": task_id, "name": name})[0]
    after = reported(before, state, progress, message, now, late=bool(lapsed))
    leases = leased(tx, task_id, name)
    if not row.local:
        if before.state is StepState.LOST and after.state is not before.state:
            leases = _taken_back(leases, row.task, who)
        leases = _promised(leases, given, who, now)
        write_heard(tx, task_id, name, leases, who, now)
    if after != before:
        rows.save_step(tx, task_id, after)
    task = row.task
    if after.state is not before.state:  # else no other step is touched: they may be many, and reports frequent
        rows.begin_log(tx, row, name)
        task = settled(tx, row, now)
    return Heard(after, task, row.cancelled, leases)


def _promised(held: Leased, given: wire.StepReport, who: Who, now: str) -> Leased:
    """The leases after a report."""
    step, task = held.step, held.task
    if given.lease is None:
        step = None
        if task is not None and task.holder == who.credential:
            task = None
    elif given.lease is not msgspec.UNSET:
        step = Lease(who.credential, given.lease)
    if step is not None and step.held_by(who.credential):
        step = task = Lease(who.credential, step.seconds)
    return held._replace(step=step, task=task)


def _taken_back(held: Leased, task: Task, who: Who) -> Leased:
    """The leases of a lost step that `who` takes back: what others promised about it, or about a task that had ended,
    was broken and is over."""
    mine = who.credential
    return held._replace(
        step=held.step if held.step and held.step.held_by(mine) else None,
        task=held.task if held.task and (held.task.held_by(mine) or task.state not in TASK_ENDED) else None,
    )


def leased(asks: Any, task_id: str, name: str) -> Leased:
    """The leases of a step and its task as they are written."""
    row = asks.execute(
        """SELECT steps.holder, steps.lease, steps.heard_at, tasks.holder, tasks.lease, tasks.heard_at
        FROM steps, tasks WHERE steps.task = :task AND steps.name = :name AND tasks.id = :task""",
        {"task": task_id, "name": name},
    ).fetchone()
    step = None if row[1] is None else Lease(row[0], row[1])
    return Leased(step, row[2], None if row[4] is None else Lease(row[3], row[4]), row[5])


def write_heard(tx: Transaction, task_id: str, name: str, leases: Leased, who: Who, now: str) -> None:
    """Write the leases that hold now, and that `who` was heard of where what is written would be too old."""
    written = leased(tx, task_id, name)
    lease = leases.step
    if lease != written.step or stale(lease, leases.step_heard, who, now):
        tx.execute(
            """UPDATE steps SET holder = :holder, lease = :lease, heard_at = :now
            WHERE task = :task AND name = :name""",
            {**_fields(lease), "now": now, "task": task_id, "name": name},
        )
    if leases.task != written.task or stale(leases.task, leases.task_heard, who, now):
        tx.execute(
            "UPDATE tasks SET holder = :holder, lease = :lease, heard_at = :now WHERE id = :task",
            {**_fields(leases.task), "now": now, "task": task_id},
        )


def _fields(lease: Lease | None) -> dict[str, Any]:
    return {"holder": lease and lease.holder, "lease": lease and lease.seconds}


def stale(lease: Lease | None, heard_at: str | None, who: Who, now: str) -> bool:
    """Whether it is to be written that `who` was heard of now."""
    if lease is None or not lease.held_by(who.credential):
        return False
    return heard_at is None or abs(_seconds_between(heard_at, now)) > lease.seconds * UNWRITTEN


def _seconds_between(one: str, other: str) -> float:
    return (moment(other) - moment(one)).total_seconds()


class Unfinished(NamedTuple):
    """A lease at the start of a server, of a step or (None) of the task: how many seconds are left of it, whether that
    is because it begins once more, and whether the step is pending."""

    task: str
    step: str | None
    lease: Lease
    left: float
    anew: bool
    pending: bool


def unfinished(asks: Any, now: str) -> list[Unfinished]:
    """The leases of tasks that have not ended."""
    steps = asks.execute(
        """SELECT steps.task, name, steps.holder, steps.lease, steps.heard_at, steps.resumed_at, steps.state FROM steps
        JOIN tasks ON tasks.id = steps.task
        WHERE steps.lease IS NOT NULL AND steps.ended_at IS NULL AND tasks.ended_at IS NULL"""
    ).fetchall()
    tasks = asks.execute(
        """SELECT id, NULL, holder, lease, heard_at, resumed_at, '' FROM tasks
        WHERE lease IS NOT NULL AND ended_at IS NULL"""
    ).fetchall()
    return [
        Unfinished(task, step, Lease(holder, lease), *_left(lease, heard, resumed, now), state == StepState.PENDING)
        for task, step, holder, lease, heard, resumed, state in steps + tasks
    ]


def _left(lease: float, heard_at: str | None, resumed_at: str | None, now: str) -> tuple[float, bool]:
    if heard_at is None:  # it was promised before this was noted
        return lease, True
    resumed = None if resumed_at is None else _seconds_between(resumed_at, now)
    return left_at_start(lease, _seconds_between(heard_at, now), resumed, lease * UNWRITTEN)


def begin_anew(tx: Transaction, leases: Sequence[Unfinished], now: str) -> None:
    """Write which leases begin once more: however often a server starts, each does so only once between two reports."""
    for lease in leases:
        values = {"now": now, "task": lease.task, "step": lease.step}
        fields = "resumed_at = :now, heard_at = COALESCE(heard_at, :now)"
        if lease.step is None:
            tx.execute(f"UPDATE tasks SET {fields} WHERE id = :task", values)
        else:
            tx.execute(f"UPDATE steps SET {fields} WHERE task = :task AND name = :step", values)


class Looked(NamedTuple):
    """What came of a look at a task: whether it has ended, when to look again (None: after the next report), and the
    steps whose leases still matter."""

    ended: bool
    again: float | None = None
    steps: frozenset[str] = frozenset()


def lose(tx: Transaction, task_id: str, promises: Promises, at: float, now: str) -> Looked:
    """Lose the steps of which nothing was heard for too long at the monotonic time `at`. Raises NotFound."""
    row = rows.find(tx, task_id)
    while row.task.state not in TASK_ENDED and not row.local:
        due = list(deadlines(rows.steps(tx, task_id), promises))
        over = {deadline.step.name: deadline for deadline in reversed(due) if deadline.at <= at}
        if not over:
            again = min((deadline.at for deadline in due), default=None)
            return Looked(False, again, frozenset(deadline.step.name for deadline in due))
        for deadline in over.values():
            rows.save_step(tx, task_id, silent(deadline.step, now, deadline.why))
            tx.execute(
                "UPDATE steps SET lapsed = 1 WHERE task = :task AND name = :name",
                {"task": task_id, "name": deadline.step.name},
            )
        row = row._replace(task=settled(tx, row, now))  # which may leave no step under way, and others to be lost
    return Looked(True)


def settled(tx: Transaction, row: TaskRow, now: str) -> Task:
    """After a step of a foreign task ended or moved: skip what cannot run, take back what was skipped for a loss that
    is taken back, and bring the task to what follows."""
    task_id = row.task.id
    steps = rows.steps(tx, task_id)
    blamed = {name for (name,) in tx.all(
        "SELECT name FROM steps WHERE task = :task AND because IS NOT NULL", {"task": task_id}
    )}  # fmt: skip
    changed = {}
    for step, because in machine.settled(steps, blamed, now, cancelling=row.cancelled):
        changed[step.name] = step
        rows.save_step(tx, task_id, step)
        # A lease ends with its step, also where that is pending again later.
        tx.execute(
            """UPDATE steps SET because = :because, holder = NULL, lease = NULL
            WHERE task = :task AND name = :name""",
            {"because": because, "task": task_id, "name": step.name},
        )
    return rows.follow(tx, row, [changed.get(s.name, s) for s in steps], now)


def check_reporter(row: TaskRow, step: Step, who: Who, state: StepState | None) -> None:
    """Raise unless `who` may report this step: its own reporter, an operator, or the running step itself."""
    if who.step is not None:
        task, name, attempt = who.step
        if (task, name) != (row.task.id, step.name):
            raise NotAllowed("forbidden", "this token is for reporting on one step, and this is another")
        if step.attempt != attempt or step.state is not StepState.RUNNING:
            raise Refused("conflict", f"this attempt is over; the step is {step.state.value}")
        if state not in (None, StepState.RUNNING):
            raise Refused("conflict", "a step that runs here ends with its command")
        return
    if not who.operator and not owns(who, row.owner):
        raise denied(who, "this task is another's")
    if row.local:
        raise Refused("conflict", "the steps of this task run here; nobody reports them")
