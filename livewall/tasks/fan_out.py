"""Steps that run on several hosts, inside the engine's transactions: their targets begin, end, wait and are retried.

The rules are in `targets`. The attempts of a target are like those of a step; they and the log of a target are named
STEP@HOST.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from livewall.clock import later, moment
from livewall.errors import LivewallError, Refused
from livewall.store.transaction import Transaction
from livewall.tasks import rows, target_rows, targets
from livewall.tasks.actions import Actions, RetryLater, StopAttempt
from livewall.tasks.attempt_result import Outcome
from livewall.tasks.host_acts import CAN_RETRY, CAN_SKIP
from livewall.tasks.hosts.inventory import Host, hosts_named
from livewall.tasks.hosts.units import unit_of
from livewall.tasks.machine import Step, StepState, Target
from livewall.tasks.pipelines.pipeline import Pipeline, StepDef
from livewall.tasks.rows import TaskRow
from livewall.tasks.step_specs import StepSpecs, step_definition
from livewall.tasks.targets import Control, with_target
from livewall.tasks.template import Params, fill

LOST_RETRIES = 3
"""How often an idempotent command is run again whose end was not seen."""


def hosts_of(pipeline: Pipeline, definition: StepDef, params: Params) -> list[Host]:
    """Return the hosts of a step, with the parameters filled in. Raises BadInput."""
    if definition.hosts is None:
        return []
    return hosts_named([fill(name, params, {}) for name in definition.hosts.names], pipeline.inventory)


class FanOut:
    """Steps with hosts. `stopping(row)` says whether what has not begun of a task must not begin any more."""

    def __init__(self, specs: StepSpecs, stopping: Callable[[TaskRow], bool]) -> None:
        self._specs = specs
        self._stopping = stopping

    # -- the course of a step

    def begin(
        self,
        tx: Transaction,
        row: TaskRow,
        pipeline: Pipeline,
        step: Step,
        causes: dict[str, str],
        now: str,
        actions: Actions,
    ) -> Step:
        """Begin a step: its first wave runs. Hosts that `causes` names are left out. Return the step."""
        started = msgspec.structs.replace(step, targets=targets.left_out(step.targets, causes, now))
        return self.advance(tx, row, pipeline, step, started, now, actions)

    def advance(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, before: Step, step: Step, now: str, actions: Actions
    ) -> Step:
        """Begin the targets whose turn it is, and write the step if anything differs from `before`; return it."""
        task_id, definition = row.task.id, step_definition(pipeline, step.name)
        assert definition.hosts is not None
        control = rows.control(tx, task_id, step.name)._replace(stopping=self._stopping(row))
        found = list(step.targets)
        if control.stopping or control.aborted_by is not None:
            found = targets.stopped(found, control, now)
        while chosen := targets.to_begin(found, definition.hosts, control):
            begun = {t.host: self._begin(tx, row, pipeline, definition, t, now, actions) for t in chosen}
            found = [begun.get(target.host, target) for target in found]
        after = targets.settled(msgspec.structs.replace(step, targets=found), definition.hosts, control, now)
        target_rows.save_changed(tx, task_id, step.name, before.targets, after.targets)
        if after != before:
            rows.save_step(tx, task_id, after)
        return after

    def _begin(
        self,
        tx: Transaction,
        row: TaskRow,
        pipeline: Pipeline,
        definition: StepDef,
        target: Target,
        now: str,
        actions: Actions,
    ) -> Target:
        """Return the target with an attempt that runs from now on, or as failed if it cannot begin."""
        task_id, unit, started = row.task.id, unit_of(definition.name, target.host), targets.begun(target, now)
        try:
            host = next(h for group in pipeline.inventory.values() for h in group if h.name == target.host)
            base = target_rows.log_base(tx, task_id, definition.name, target.host)
            start = self._specs.attempt(tx, row, definition, started.attempt, base, host)
            self._specs.prepare(task_id, unit, started.attempt)
        except (LivewallError, OSError) as error:
            reason = error.message if isinstance(error, LivewallError) else f"no folder for it: {error.strerror}"
            return targets.ended(started, StepState.FAILED, now, reason)
        rows.begin_log(tx, row, unit)
        target_rows.save_skipped_by(tx, task_id, definition.name, target.host, None)
        actions.append(start)
        return started

    def ended(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, host: str, attempt: int, outcome: Outcome,
        now: str, actions: Actions,
    ) -> bool:  # fmt: skip
        """Record the end of an attempt on a host. Return False if it was recorded before."""
        target, task_id = rows.target(step, host), row.task.id
        if target.state is not StepState.RUNNING or target.attempt != attempt:
            return False
        after, delay = self._after(tx, row, pipeline, step, target, outcome, now)
        target_rows.add_to_log_base(tx, task_id, step.name, host, outcome.size)
        retry_at = None
        if delay is not None:
            actions.append(RetryLater(task_id, unit_of(step.name, host), attempt, delay))
            retry_at = later(moment(now), delay)
        target_rows.save_retry_at(tx, task_id, step.name, host, retry_at)
        if after.state is StepState.WAITING and outcome.host_key is not None:
            target_rows.save_host_key(tx, task_id, step.name, host, outcome.host_key)
        self.advance(tx, row, pipeline, step, with_target(step, after), now, actions)
        return True

    def _after(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, target: Target, outcome: Outcome, now: str
    ) -> tuple[Target, float | None]:
        """Return what becomes of a target whose attempt ended, and the delay until the next attempt or None."""
        definition, state, reason = step_definition(pipeline, step.name), outcome.state, outcome.reason
        control = rows.control(tx, row.task.id, step.name)
        skipped_by = target_rows.skipped_by(tx, row.task.id, step.name, target.host)
        lost = state is StepState.LOST
        if row.cancelled and not lost:
            return targets.ended(target, StepState.CANCELLED, now), None
        if skipped_by is not None and not lost:
            return targets.ended(target, StepState.SKIPPED, now, f"skipped by {skipped_by}"), None
        if control.aborted_by is not None and not lost and state is not StepState.SUCCEEDED:
            return targets.ended(target, StepState.CANCELLED, now, f"aborted by {control.aborted_by}"), None
        if state is StepState.WAITING and outcome.host_key is not None:
            return targets.waiting(target, outcome.host_key.fingerprint, now), None
        if state is StepState.CANCELLED:  # by nobody who may: it must not look as if it had been wanted
            state, reason = StepState.FAILED, "its supervisor was asked to end it by a signal from outside"
        again = target.attempt <= definition.retries + (LOST_RETRIES if lost else 0)
        if again and not self._stopping(row) and (state is StepState.FAILED or (lost and definition.idempotent)):
            delay = definition.retry_delay
            return targets.ended(target, StepState.RETRYING, now, reason), delay
        return targets.ended(target, state, now, reason), None

    def retry(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, host: str, now: str, actions: Actions
    ) -> None:
        """Begin another attempt on a host, whatever waves and pauses say."""
        begun = self._begin(
            tx, row, pipeline, step_definition(pipeline, step.name), rows.target(step, host), now, actions
        )
        self.advance(tx, row, pipeline, step, with_target(step, begun), now, actions)

    def running(self, task_id: str, step: Step) -> list[StopAttempt]:
        """Return the actions that end the attempts of a step that run."""
        return [
            StopAttempt(task_id, unit_of(step.name, target.host), target.attempt)
            for target in step.targets
            if target.state is StepState.RUNNING
        ]

    # -- what operators ask

    def pause(self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, who: str, now: str) -> Actions:
        """Let no other host begin until the step is resumed."""
        return self._controlled(tx, row, pipeline, step, Control(paused_by=who), now)

    def resume(self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, now: str) -> Actions:
        return self._controlled(tx, row, pipeline, step, Control(), now)

    def abort(self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, who: str, now: str) -> Actions:
        """End a step early: it fails. What runs is ended, as by a cancel; what has not begun is skipped."""
        return self._controlled(tx, row, pipeline, step, Control(aborted_by=who), now) + self.running(row.task.id, step)

    def _controlled(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, control: Control, now: str
    ) -> Actions:
        actions: Actions = []
        rows.save_control(tx, row.task.id, step.name, control)
        self.advance(tx, row, pipeline, step, step, now, actions)
        return actions

    def skip(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, host: str, who: str, now: str
    ) -> Actions:
        """Leave out a host: one that waits or has failed is skipped at once, one that runs when it has been ended."""
        actions: Actions = []
        target = rows.target(step, host)
        if target.state not in CAN_SKIP:
            raise Refused("conflict", f"the host {host} has already {target.state.value}; it cannot be skipped")
        if target.state is StepState.RUNNING:
            target_rows.save_skipped_by(tx, row.task.id, step.name, host, who)
            return [StopAttempt(row.task.id, unit_of(step.name, host), target.attempt)]
        skipped = targets.ended(target, StepState.SKIPPED, now, f"skipped by {who}")
        self.advance(tx, row, pipeline, step, with_target(step, skipped), now, actions)
        return actions

    def retry_host(self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, host: str, now: str) -> Actions:
        """Run the step on a host again on which it failed, or was skipped. Raises Refused."""
        actions: Actions = []
        target = rows.target(step, host)
        if target.state not in CAN_RETRY:
            raise Refused("conflict", f"there is nothing to retry on {host}: its state is {target.state.value}")
        self.retry(tx, row, pipeline, step, host, now, actions)
        return actions


def causes_of(steps: Sequence[Step], needed: frozenset[str]) -> dict[str, str]:
    """Return the hosts on which one of the needed steps did not succeed, each with the name of that step."""
    return {
        target.host: step.name
        for step in steps
        if step.name in needed and (step.state is StepState.SUCCEEDED or step.reason == targets.ON_EVERY_HOST)
        for target in step.targets
        if target.state is not StepState.SUCCEEDED
    }
