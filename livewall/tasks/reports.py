"""Reports of foreign programs, applied inside transactions: steps that change state, and leases that run out.

A lease belongs to its holder, the program that promised to report again. Every report about the step by the holder,
and every part of its log, renews the lease. Between two steps, the last lease of the reporter holds for the task.
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
from livewall.tasks import machine, rows, target_rows
from livewall.tasks.access import denied, owns
from livewall.tasks.hosts.units import parts_of
from livewall.tasks.lease_deadlines import Lease, Promises, deadlines, left_at_start
from livewall.tasks.machine import TASK_ENDED, Step, StepState, lose, reported, step_is
from livewall.tasks.rows import Task, TaskRow
from livewall.tasks.targets import with_target

Mask = Callable[[TaskRow, str, Who], str]
UNWRITTEN_PART = 0.25
"""The part of a lease that may pass before a renewal is written: a write for every report would be costly."""


class StoredLeases(NamedTuple):
    """The leases of a step and its task as they are stored, and when each was renewed last."""

    step: Lease | None
    step_heard: str | None
    task: Lease | None
    task_heard: str | None


class ReportResult(NamedTuple):
    """The result of a report: the step, its task, whether the task is cancelled, and the leases."""

    step: Step
    task: Task
    cancel: bool
    leases: StoredLeases


def report(
    tx: Transaction, task_id: str, name: str, body: wire.StepReport, who: Who, now: str, mask: Mask
) -> ReportResult:
    """Apply a report to a step; a repetition changes nothing. Raises NotFound, NotAllowed, StepConflict."""
    row = rows.find(tx, task_id)
    if parts_of(name)[1] is not None:
        return _report_of_target(tx, row, name, body, who, mask)
    before = rows.step(tx, task_id, name)
    state = None if body.state is msgspec.UNSET else StepState(body.state)
    progress = None if body.progress is msgspec.UNSET else body.progress
    message = None if body.message is msgspec.UNSET else mask(row, body.message, who)
    check_reporter(row, before, who, state)
    lapsed = tx.one("SELECT lapsed FROM steps WHERE task = :task AND name = :name", {"task": task_id, "name": name})[0]
    after = reported(before, state, progress, message, now, late=bool(lapsed))
    leases = stored_leases(tx, task_id, name)
    if not row.local:
        if before.state is StepState.LOST and after.state is not before.state:
            leases = _without_broken(leases, row.task, who)
        leases = _renewed(leases, body, who, now)
        save_leases(tx, task_id, name, leases, who, now)
    if after != before:
        rows.save_step(tx, task_id, after)
    if after.state is StepState.LOST and before.state is not StepState.LOST:
        # As when a lease runs out: its reporter may learn later how it ended.
        tx.execute("UPDATE steps SET lapsed = 1 WHERE task = :task AND name = :name", {"task": task_id, "name": name})
    task = row.task
    if after.state is not before.state:  # otherwise leave the other steps alone: reports are frequent
        rows.begin_log(tx, row, name)
        task = settle_task(tx, row, now)
    return ReportResult(after, task, row.cancelled, leases)


def _report_of_target(
    tx: Transaction, row: TaskRow, unit: str, body: wire.StepReport, who: Who, mask: Mask
) -> ReportResult:
    """Apply what a step says of itself on one of its hosts: progress, and what it is doing."""
    name, host = parts_of(unit)
    step = rows.step(tx, row.task.id, name)
    target = rows.target(step, host or "")
    if who.step is None:
        check_reporter(row, step, who, None)
    if who.step is None or who.step[:2] != (row.task.id, unit):
        raise NotAllowed("forbidden", "this token is for reporting on another step")
    if who.step[2] != target.attempt or target.state is not StepState.RUNNING:
        raise Refused("conflict", f"this attempt is over; {step_is(target.state)}")
    if body.state not in (msgspec.UNSET, StepState.RUNNING):
        raise Refused("conflict", "a step that runs here ends with its command")
    after = msgspec.structs.replace(
        target,
        progress=target.progress if body.progress is msgspec.UNSET else body.progress,
        message=target.message if body.message is msgspec.UNSET else mask(row, body.message, who) or msgspec.UNSET,
    )
    if after != target:
        target_rows.save(tx, row.task.id, name, after)
        step = with_target(step, after)
        rows.save_step(tx, row.task.id, step)
    return ReportResult(step, row.task, row.cancelled, stored_leases(tx, row.task.id, name))


def _renewed(leases: StoredLeases, body: wire.StepReport, who: Who, now: str) -> StoredLeases:
    """Return the leases after a report."""
    step, task = leases.step, leases.task
    if body.lease is None:
        step = None
        if task is not None and task.holder == who.credential:
            task = None
    elif body.lease is not msgspec.UNSET:
        step = Lease(who.credential, body.lease)
    if step is not None and step.held_by(who.credential):
        step = task = Lease(who.credential, step.seconds)
    return leases._replace(step=step, task=task)


def _without_broken(leases: StoredLeases, task: Task, who: Who) -> StoredLeases:
    """Return the leases of a lost step whose loss `who` takes back.

    Leases of other holders on the step, or on a task that had ended, have run out and are removed.
    """
    credential = who.credential
    return leases._replace(
        step=leases.step if leases.step and leases.step.held_by(credential) else None,
        task=leases.task if leases.task and (leases.task.held_by(credential) or task.state not in TASK_ENDED) else None,
    )


def stored_leases(db: Any, task_id: str, name: str) -> StoredLeases:
    """Return the stored leases of a step and its task."""
    row = db.execute(
        """SELECT steps.holder, steps.lease, steps.heard_at, tasks.holder, tasks.lease, tasks.heard_at
        FROM steps, tasks WHERE steps.task = :task AND steps.name = :name AND tasks.id = :task""",
        {"task": task_id, "name": name},
    ).fetchone()
    step = None if row[1] is None else Lease(row[0], row[1])
    return StoredLeases(step, row[2], None if row[4] is None else Lease(row[3], row[4]), row[5])


def save_leases(tx: Transaction, task_id: str, name: str, leases: StoredLeases, who: Who, now: str) -> None:
    """Write the leases that hold now, and the time of their renewal if the stored one is too old."""
    written = stored_leases(tx, task_id, name)
    lease = leases.step
    if lease != written.step or needs_saving(lease, leases.step_heard, who, now):
        tx.execute(
            """UPDATE steps SET holder = :holder, lease = :lease, heard_at = :now
            WHERE task = :task AND name = :name""",
            {**_fields(lease), "now": now, "task": task_id, "name": name},
        )
    if leases.task != written.task or needs_saving(leases.task, leases.task_heard, who, now):
        tx.execute(
            "UPDATE tasks SET holder = :holder, lease = :lease, heard_at = :now WHERE id = :task",
            {**_fields(leases.task), "now": now, "task": task_id},
        )


def _fields(lease: Lease | None) -> dict[str, Any]:
    return {"holder": lease and lease.holder, "lease": lease and lease.seconds}


def needs_saving(lease: Lease | None, heard_at: str | None, who: Who, now: str) -> bool:
    """Return whether a renewal by `who` must be written now."""
    if lease is None or not lease.held_by(who.credential):
        return False
    return heard_at is None or abs(_seconds_between(heard_at, now)) > lease.seconds * UNWRITTEN_PART


def _seconds_between(one: str, other: str) -> float:
    return (moment(other) - moment(one)).total_seconds()


class StoredLease(NamedTuple):
    """A stored lease when a server starts, of a step or (None) of the task.

    It has `left` seconds left. `anew` says that it starts again because it ran out without a server, and `pending` that
    the step has not begun.
    """

    task: str
    step: str | None
    lease: Lease
    left: float
    anew: bool
    pending: bool


def unfinished_leases(db: Any, now: str) -> list[StoredLease]:
    """Return the leases of tasks that have not ended."""
    steps = db.execute(
        """SELECT steps.task, name, steps.holder, steps.lease, steps.heard_at, steps.resumed_at, steps.state FROM steps
        JOIN tasks ON tasks.id = steps.task
        WHERE steps.lease IS NOT NULL AND steps.ended_at IS NULL AND tasks.ended_at IS NULL"""
    ).fetchall()
    tasks = db.execute(
        """SELECT id, NULL, holder, lease, heard_at, resumed_at, '' FROM tasks
        WHERE lease IS NOT NULL AND ended_at IS NULL"""
    ).fetchall()
    return [
        StoredLease(
            task, step, Lease(holder, lease), *_remaining(lease, heard_at, resumed_at, now), state == StepState.PENDING
        )
        for task, step, holder, lease, heard_at, resumed_at, state in steps + tasks
    ]


def _remaining(lease: float, heard_at: str | None, resumed_at: str | None, now: str) -> tuple[float, bool]:
    if heard_at is None:  # a lease from before the schema had this column
        return lease, True
    resumed = None if resumed_at is None else _seconds_between(resumed_at, now)
    return left_at_start(lease, _seconds_between(heard_at, now), resumed, lease * UNWRITTEN_PART)


def mark_restarted(tx: Transaction, leases: Sequence[StoredLease], now: str) -> None:
    """Record which leases start again. However often the server restarts, each does so once between two reports."""
    for lease in leases:
        values = {"now": now, "task": lease.task, "step": lease.step}
        fields = "resumed_at = :now, heard_at = COALESCE(heard_at, :now)"
        if lease.step is None:
            tx.execute(f"UPDATE tasks SET {fields} WHERE id = :task", values)
        else:
            tx.execute(f"UPDATE steps SET {fields} WHERE task = :task AND name = :step", values)


class SilenceCheck(NamedTuple):
    """The result of a check for silence: whether the task has ended, when to check again, and the steps with leases.

    `again` is a monotonic time; None means after the next report.
    """

    ended: bool
    again: float | None = None
    steps: frozenset[str] = frozenset()


def lose_silent_steps(tx: Transaction, task_id: str, promises: Promises, at: float, now: str) -> SilenceCheck:
    """Mark the steps lost whose lease has run out at the monotonic time `at`. Raises NotFound."""
    row = rows.find(tx, task_id)
    while row.task.state not in TASK_ENDED and not row.local:
        due = list(deadlines(rows.steps(tx, task_id), promises))
        expired = {deadline.step.name: deadline for deadline in reversed(due) if deadline.at <= at}
        if not expired:
            next_check = min((deadline.at for deadline in due), default=None)
            return SilenceCheck(False, next_check, frozenset(deadline.step.name for deadline in due))
        for deadline in expired.values():
            rows.save_step(tx, task_id, lose(deadline.step, now, deadline.reason))
            tx.execute(
                "UPDATE steps SET lapsed = 1 WHERE task = :task AND name = :name",
                {"task": task_id, "name": deadline.step.name},
            )
        # Now the lease of the task may count, and more steps be lost.
        row = row._replace(task=settle_task(tx, row, now))
    return SilenceCheck(True)


def settle_task(tx: Transaction, row: TaskRow, now: str) -> Task:
    """Update a foreign task after a step changed its state; return the task.

    Steps that cannot run are skipped, and steps that were skipped because of a loss that was taken back are pending
    again.
    """
    task_id = row.task.id
    steps = rows.steps(tx, task_id)
    blamed = {name for (name,) in tx.all(
        "SELECT name FROM steps WHERE task = :task AND because IS NOT NULL", {"task": task_id}
    )}  # fmt: skip
    changed = {}
    for step, because in machine.resettle(steps, blamed, now, cancelling=row.cancelled):
        changed[step.name] = step
        rows.save_step(tx, task_id, step)
        # The lease of a step ends with it, also if the step becomes pending again later.
        tx.execute(
            """UPDATE steps SET because = :because, holder = NULL, lease = NULL
            WHERE task = :task AND name = :name""",
            {"because": because, "task": task_id, "name": step.name},
        )
    return rows.update_task(tx, row, [changed.get(s.name, s) for s in steps], now)


def check_reporter(row: TaskRow, step: Step, who: Who, state: StepState | None) -> None:
    """Raise unless `who` may report this step: its own reporter, an operator, or the running step itself."""
    if who.step is not None:
        task, name, attempt = who.step
        if (task, name) != (row.task.id, step.name):
            raise NotAllowed("forbidden", "this token is for reporting on another step")
        if step.attempt != attempt or step.state is not StepState.RUNNING:
            raise Refused("conflict", f"this attempt is over; {step_is(step.state)}")
        if state not in (None, StepState.RUNNING):
            raise Refused("conflict", "a step that runs here ends with its command")
        return
    if not who.operator and not owns(who, row.owner):
        raise denied(who, "this task is another's")
    if row.local:
        raise Refused("conflict", "the steps of this task run here and cannot be reported")
