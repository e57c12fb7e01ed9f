"""What a server that starts finds unfinished: attempts that should run, delays and waits whose end is still to come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET

from livewall.clock import moment
from livewall.tasks import rows, target_rows
from livewall.tasks.actions import EndWaitLater, RetryLater, StartAttempt
from livewall.tasks.definitions import definition_of
from livewall.tasks.hosts.units import parts_of, unit_of
from livewall.tasks.machine import Step, StepState
from livewall.tasks.pipelines.pipeline import StepDef
from livewall.tasks.rows import TaskRow
from livewall.tasks.step_specs import StepSpecs, log_base, step_definition


class Unfinished:
    """Reads what is unfinished; `epoch` is that of the database."""

    def __init__(self, specs: StepSpecs, epoch: str) -> None:
        self._specs = specs
        self._epoch = epoch

    def waits(self, db: Any, now: str) -> list[EndWaitLater]:
        """Return the ends of waits for people that are still to come."""
        found = db.execute("SELECT task, name FROM steps WHERE ended_at IS NULL AND waits_for IS NOT NULL").fetchall()
        waiting = [(task_id, rows.step(db, task_id, name)) for task_id, name in found]
        return [
            end_wait_later(task_id, step, now)
            for task_id, step in waiting
            if step.waits_for is not UNSET and step.waits_for.poll is UNSET and step.waits_for.until is not UNSET
        ]

    def attempts(self, db: Any, now: str) -> list[tuple[StartAttempt | RetryLater, bool, bool]]:
        """Return the attempts that should run and the delays that are left.

        With each come two flags: whether it is to be ended, and whether it was begun with the present epoch of the
        database, which is not so after a restore.
        """
        step_rows = db.execute(
            """SELECT task, name, retry_at FROM steps WHERE ended_at IS NULL AND state IN ('running', 'retrying')
            AND task IN (SELECT id FROM tasks WHERE ended_at IS NULL AND definition IS NOT NULL)"""
        ).fetchall()
        unfinished: list[tuple[StartAttempt | RetryLater, bool, bool]] = []
        for task_id, name, retry_at in step_rows:
            row, step = rows.find(db, task_id), rows.step(db, task_id, name)
            current = row.epoch == self._epoch
            for action in self._unfinished_of(db, row, step, retry_at, now):
                unfinished.append((action, self.is_ending(db, task_id, action.step), current))
        return unfinished

    def is_ending(self, db: Any, task_id: str, unit: str) -> bool:
        """Return whether what runs as this attempt is to be ended: by a cancel, an abort, or because it is skipped."""
        name, host = parts_of(unit)
        if rows.find(db, task_id).cancelled or rows.control(db, task_id, name).aborted_by is not None:
            return True
        return host is not None and target_rows.skipped_by(db, task_id, name, host) is not None

    def _unfinished_of(
        self, db: Any, row: TaskRow, step: Step, retry_at: str | None, now: str
    ) -> Iterator[StartAttempt | RetryLater]:
        task_id, pipeline = row.task.id, definition_of(row)
        definition = step_definition(pipeline, step.name)
        hosts = {host.name: host for group in pipeline.inventory.values() for host in group}
        for target in step.targets:
            unit = unit_of(step.name, target.host)
            if target.state is StepState.RETRYING:
                at = target_rows.retry_at(db, task_id, step.name, target.host)
                yield RetryLater(task_id, unit, target.attempt, _delay_left(definition, at, now))
            elif target.state is StepState.RUNNING:
                base = target_rows.log_base(db, task_id, step.name, target.host)
                yield self._specs.attempt(db, row, definition, target.attempt, base, hosts[target.host])
        if not step.targets and step.state is StepState.RETRYING:
            yield RetryLater(task_id, step.name, step.attempt, _delay_left(definition, retry_at, now))
        elif not step.targets:
            yield self._specs.attempt(db, row, definition, step.attempt, log_base(db, task_id, step.name))


def _delay_left(definition: StepDef, retry_at: str | None, now: str) -> float:
    """Return the seconds until another attempt begins."""
    if retry_at is None:
        return definition.retry_delay
    # The clock may have been set meanwhile: wait no longer than the whole delay.
    return min(definition.retry_delay, max(0.0, (moment(retry_at) - moment(now)).total_seconds()))


def end_wait_later(task_id: str, step: Step, now: str) -> EndWaitLater:
    """Return the action that ends the wait of a step for people when its time is over."""
    assert step.waits_for is not UNSET and step.waits_for.until is not UNSET
    left = (moment(step.waits_for.until) - moment(now)).total_seconds()
    return EndWaitLater(task_id, step.name, max(0.0, left))
