"""Decides inside transactions which steps of local tasks begin, which wait, and how a task ends.

Every event (a start, the end of a command, a cancel, the end of a delay, a restart of the server) is one write. It
applies the rules of `machine` and returns the actions to perform after the commit. Nothing here starts a process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from livewall import audit, wire
from livewall.clock import later, moment
from livewall.errors import LivewallError, Refused
from livewall.identity import Who
from livewall.store.transaction import Transaction
from livewall.tasks import follow_ups, gates, rows, usual_times
from livewall.tasks.actions import Actions, EndWaitLater, RetryLater, StopAttempt
from livewall.tasks.announcements import Announcements
from livewall.tasks.attempt_result import Outcome
from livewall.tasks.definitions import definition_of, params_of
from livewall.tasks.dependencies import all_needs
from livewall.tasks.fan_out import LOST_RETRIES, FanOut, causes_of, hosts_of
from livewall.tasks.host_acts import is_under_way
from livewall.tasks.host_control import HostControl
from livewall.tasks.hosts.units import parts_of
from livewall.tasks.kinds import WaitSpec
from livewall.tasks.machine import (
    ENDED,
    TASK_ENDED,
    Step,
    StepState,
    TaskState,
    cancelled,
    ready,
    retried,
    retry_refusal,
    skip_blocked,
    transition,
)
from livewall.tasks.pipelines.pipeline import Pipeline, StepDef
from livewall.tasks.queue import Waiting, admit, turn
from livewall.tasks.rows import Place, Task, TaskRow
from livewall.tasks.step_specs import StepSpecs, log_base, runs_command, step_definition
from livewall.tasks.targets import planned
from livewall.tasks.template import MissingOutput, Params, when_holds
from livewall.tasks.unfinished import Unfinished, end_wait_later

MAX_RUNNING_STEPS = 16
"""The most steps of one task that run at once. Each has a supervisor of some 10 MB; a gate has none."""
RESTORED = "the database was restored from a backup; retry the task to start this"
RESTORED_POLL = "the database was restored from a backup"


class Engine:
    """The rules of local tasks; at most `workers` of them run at once, and `epoch` is that of the database.

    `prepare` is that of `StepSpecs`. `announcements` tell of tasks, and `polls` asks the polls of
    gates. `hosts` is what operators ask of steps with hosts, and `unfinished` what a server that starts finds.
    """

    def __init__(
        self,
        workers: int,
        epoch: str,
        prepare: Callable[[str, str, int], None],
        announcements: Announcements,
        polls: gates.AsksPolls,
    ) -> None:
        self._workers = workers
        self._epoch = epoch
        self._announcements = announcements
        self._polls = polls
        self.specs = StepSpecs(prepare)
        self.unfinished = Unfinished(self.specs, epoch)
        self._fan_out = FanOut(self.specs, self._is_stopping)
        self.hosts = HostControl(self._fan_out, self.advance, self._is_stopping)

    def _is_stopping(self, row: TaskRow) -> bool:
        """Return whether what has not begun of a task must not begin: it is cancelled, or of a restored database."""
        return row.cancelled or row.epoch != self._epoch

    # -- requests

    def start(
        self, tx: Transaction, pipeline: Pipeline, params: Params, task_id: str | None, who: Who, now: str
    ) -> tuple[str, bool, Actions]:
        """Create a task of a pipeline; return its id, whether it is new, and the actions to perform.

        The same call again with an id returns the same task. Raises Refused (`conflict`) if the id is another task's,
        and BadInput if a parameter names hosts that the inventory does not have.
        """
        params_json = wire.text(params)
        if task_id is not None and tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": task_id}):
            existing = rows.find(tx, task_id)
            if (
                existing.owner != who.credential
                or existing.task.pipeline != pipeline.name
                or existing.params != params_json
            ):
                raise Refused("conflict", "this id is taken by another task; choose another")
            return task_id, False, []
        number, free_id = rows.free_id(tx)
        task = Task(
            id=task_id or free_id,
            pipeline=pipeline.name,
            title=pipeline.title,
            state=TaskState.WAITING,
            created_at=now,
            started_by=who.name,
        )
        row = TaskRow(
            task,
            who.credential,
            False,
            Place.QUEUED,
            task.id,
            self._epoch,
            params_json,
            wire.text(pipeline),
            pipeline.room,
        )
        rows.insert(tx, row, number, [_new_step(pipeline, step, params) for step in pipeline.steps])
        return task.id, True, self._admit_new(tx, task.id, now)

    def retry(
        self, tx: Transaction, task_id: str, who: Who, now: str, *, by_host: bool = False
    ) -> tuple[str, bool, Actions]:
        """Create a task that takes over the steps that succeeded in an ended one; asked again, return the same task.

        With `by_host`, a step that runs on several hosts is taken over host by host.

        Raises NotFound, and Refused if the task has not ended, has succeeded, or was reported from elsewhere.
        """
        old = rows.find(tx, task_id)
        # Before the checks: a repeated request gets the same answer even if the first one was not received.
        existing = tx.one("SELECT id FROM tasks WHERE retry_of = :id", {"id": task_id})
        if existing is not None:
            return existing[0], False, []
        if why := retry_refusal(old.task.state, local=old.local):
            raise Refused("conflict", why)
        number, new = rows.free_id(tx)
        task = Task(
            id=new,
            pipeline=old.task.pipeline,
            title=old.task.title,
            state=TaskState.WAITING,
            retry_of=task_id,
            created_at=now,
            started_by=who.name,
        )
        row = TaskRow(
            task, who.credential, False, Place.QUEUED, old.root, self._epoch, old.params, old.definition, old.room
        )
        rows.insert(tx, row, number, retried(rows.steps(tx, task_id), by_host=by_host))
        for step, step_outputs in rows.outputs(tx, task_id).items():
            self._save_outputs(tx, new, step, step_outputs)
        if old.task.on_failure is not UNSET and old.task.on_failure.state == "open":
            # If the retry fails as well, it asks again.
            follow_ups.withdraw(tx, old.task, f"the task was retried as #{new}", self._polls, now)
        return new, True, self._admit_new(tx, new, now)

    def cancel(self, tx: Transaction, task_id: str, now: str) -> Actions:
        """Cancel the steps that have not started, and return the actions that end the others.

        An ended task stays as it is.
        """
        row = rows.find(tx, task_id)
        if row.task.state in TASK_ENDED:
            return []
        # Kept in the row, so that a server that is killed now continues the cancel when it starts again.
        tx.execute("UPDATE tasks SET cancelled = 1 WHERE id = :id", {"id": task_id})
        actions = self.advance(tx, row._replace(cancelled=True), now)
        for step in rows.steps(tx, task_id):
            if step.targets:
                actions += self._fan_out.running(task_id, step)
            elif step.state is StepState.RUNNING:
                actions.append(StopAttempt(task_id, step.name, step.attempt))
        return actions

    # -- events

    def ended(self, tx: Transaction, task_id: str, unit: str, attempt: int, outcome: Outcome, now: str) -> Actions:
        """Record the end of an attempt. A repetition, or the end of an earlier attempt, changes nothing."""
        name, host = parts_of(unit)
        row, step = rows.find(tx, task_id), rows.step(tx, task_id, name)
        if host is not None:
            return self._target_ended(tx, row, step, host, attempt, outcome, now)
        if step.state is not StepState.RUNNING or step.attempt != attempt:
            return []
        definition = step_definition(definition_of(row), name)
        actions: Actions = []
        state, reason = outcome.state, outcome.reason
        # What became of a lost command is not known, so a cancel does not turn it into an orderly end.
        if row.cancelled and state is not StepState.LOST:
            state, reason = StepState.CANCELLED, ""
        elif self._runs_again(row, definition, state, attempt):
            state = StepState.RETRYING
            actions.append(RetryLater(task_id, name, attempt, definition.retry_delay))
        ended = transition(step, state, now, reason=reason)
        rows.save_step(tx, task_id, usual_times.with_measured_times(ended, outcome.seconds))
        retry_at = later(moment(now), definition.retry_delay) if actions else None
        tx.execute(
            """UPDATE steps SET log_base = log_base + :size, retry_at = :retry_at
            WHERE task = :task AND name = :name""",
            {"size": outcome.size, "retry_at": retry_at, "task": task_id, "name": name},
        )
        if state is StepState.SUCCEEDED:
            self._save_outputs(tx, task_id, name, outcome.outputs)
            if outcome.seconds is not None and row.task.pipeline is not None:
                usual_times.record(tx, row.task.pipeline, name, outcome.seconds)
        return actions + self.advance(tx, row, now)

    def _runs_again(self, row: TaskRow, definition: StepDef, state: StepState, attempt: int) -> bool:
        """Return whether a command is run again that failed, or whose end was not seen if it is idempotent."""
        if self._is_stopping(row):
            return False
        lost = state is StepState.LOST and definition.idempotent
        return (state is StepState.FAILED or lost) and attempt <= definition.retries + LOST_RETRIES * lost

    def _target_ended(
        self, tx: Transaction, row: TaskRow, step: Step, host: str, attempt: int, outcome: Outcome, now: str
    ) -> Actions:
        actions: Actions = []
        if not self._fan_out.ended(tx, row, definition_of(row), step, host, attempt, outcome, now, actions):
            return []
        self._record_duration(tx, row, step.name)
        return actions + self.advance(tx, row, now)

    def _record_duration(self, tx: Transaction, row: TaskRow, name: str) -> None:
        """Remember how long a step with hosts took, if it has succeeded."""
        step = rows.step(tx, row.task.id, name)
        if step.state is StepState.SUCCEEDED and step.started_at and step.ended_at and row.task.pipeline is not None:
            seconds = (moment(step.ended_at) - moment(step.started_at)).total_seconds()
            usual_times.record(tx, row.task.pipeline, name, seconds)

    def retry_step(self, tx: Transaction, task_id: str, unit: str, attempt: int, now: str) -> Actions:
        """Begin another attempt of a step: its delay is over."""
        name, host = parts_of(unit)
        row, step = rows.find(tx, task_id), rows.step(tx, task_id, name)
        if host is not None:
            target, begun = rows.target(step, host), list[Any]()
            if target.state is not StepState.RETRYING or target.attempt != attempt:
                return []
            self._fan_out.retry(tx, row, definition_of(row), step, host, now, begun)
            return begun + self.advance(tx, row, now)
        if step.state is not StepState.RETRYING or step.attempt != attempt:
            return []
        actions: Actions = []
        self._begin_step(tx, row, definition_of(row), step, now, actions)
        return actions + self.advance(tx, row, now)

    def decide(self, tx: Transaction, task_id: str, name: str, given: wire.DecideIn, who: Who, now: str) -> Actions:
        """Apply a decision to a step that waits for one. A repetition with the same `ref` changes nothing.

        Raises NotFound, NotAllowed for those who are no approvers, and Refused if there is nothing to decide.
        """
        row, step = rows.find(tx, task_id), rows.step(tx, task_id, name)
        spec = self.specs.wait_spec(tx, row, name)
        if spec is None:
            raise Refused("conflict", f"the step {name} is not a gate")
        if spec.poll is not None:
            raise Refused("conflict", f"the step {name} is decided by a poll")
        gates.check_may_decide(who, spec.approvers)
        made = gates.Decision(given.decision, who.credential, given.ref)
        after = gates.decide(step, made, who, given.comment, rows.decision(tx, task_id, name), now)
        if after is None:
            return []
        rows.save_step(tx, task_id, after)
        rows.save_decision(tx, task_id, name, made)
        audit.note(tx, who, now, f"task.{given.decision}", rows.stream_of(task_id), step=name, comment=given.comment)
        return self.advance(tx, row, now)

    def end_wait(self, tx: Transaction, task_id: str, name: str, now: str) -> Actions:
        """End the wait of a step whose time is over. If it is not over yet, look again when it is."""
        row, step = rows.find(tx, task_id), rows.step(tx, task_id, name)
        spec = self.specs.wait_spec(tx, row, name)
        assert spec is not None
        after = gates.over(step, spec.otherwise, now)
        if after is None:
            waits = step.waits_for is not UNSET and step.waits_for.poll is UNSET
            return [end_wait_later(task_id, step, now)] if waits else []
        rows.save_step(tx, task_id, after)
        audit.note(tx, None, now, f"task.{after.state.value}", rows.stream_of(task_id), step=name, reason=after.reason)
        return self.advance(tx, row, now)

    def _admit_new(self, tx: Transaction, task_id: str, now: str) -> Actions:
        actions = self.admit(tx, now)
        row = rows.find(tx, task_id)
        if row.place is Place.QUEUED:
            self._announcements.queued(tx, row, now)
        return actions

    def admit(self, tx: Transaction, now: str) -> Actions:
        """Start the waiting tasks whose turn it is."""
        actions: Actions = []
        while True:
            waiting, current_reasons = _waiting(tx)
            admitted, reasons = admit(waiting, _running(tx), workers=self._workers, free=self._free(tx))
            for task_id in admitted:
                rows.save_place(tx, task_id, Place.TAKEN)
                actions += self._advance(tx, rows.find(tx, task_id), now)
            if not admitted:  # otherwise look again: a task that ended at once has made room for another
                break
        for task_id, reason in reasons.items():
            if current_reasons[task_id] != reason:
                rows.save_task(tx, msgspec.structs.replace(rows.find(tx, task_id).task, reason=reason))
        return actions

    def advance(self, tx: Transaction, row: TaskRow, now: str) -> Actions:
        """Apply the rules to a task in its present state, and start waiting tasks if it makes room for them."""
        actions = self._advance(tx, row, now)
        makes_room = rows.find(tx, row.task.id).task.state in TASK_ENDED | {TaskState.WAITING}
        return actions + self.admit(tx, now) if makes_room else actions

    def _advance(self, tx: Transaction, row: TaskRow, now: str) -> Actions:
        task_id: str = row.task.id
        actions: Actions = []
        before = steps = rows.steps(tx, task_id)
        if self._is_stopping(row):
            for step in steps:
                if is_under_way(step):
                    self._fan_out.advance(tx, row, definition_of(row), step, step, now, actions)
            steps = rows.steps(tx, task_id)
        queued = False
        if row.cancelled:
            self._save_cancelled(tx, task_id, steps, cancelled(steps, now), now)
        # The database was restored: what a step does may have been done since the backup.
        elif row.epoch != self._epoch:
            after = [msgspec.structs.replace(step, reason=RESTORED) for step in cancelled(steps, now)]
            self._save_cancelled(tx, task_id, steps, after, now)
        elif row.place is Place.QUEUED and row.task.started_at is None:
            return actions
        else:
            queued = self._settle(tx, row, now, actions) is Place.QUEUED
        steps = rows.steps(tx, task_id)
        eta = usual_times.expected_end(tx, row, steps, now)
        task = rows.update_task(tx, row, steps, now, eta=eta, turn=turn(self._workers) if queued else "")
        self._announcements.changed(tx, row, task, before, steps, now)
        if queued and row.place is not Place.QUEUED:
            self._announcements.queued(tx, row._replace(task=task), now)
        # What a task of a backup asks may have been asked, and answered, since the backup.
        if task.state in follow_ups.FAILURES and row.task.state not in TASK_ENDED and row.epoch == self._epoch:
            on_failure = definition_of(row).on_failure
            if on_failure is not None:
                outputs = rows.outputs(tx, task_id)
                follow_ups.ask(tx, task, on_failure, params_of(row), outputs, self._polls, now)
        return actions

    def _settle(self, tx: Transaction, row: TaskRow, now: str, actions: Actions) -> Place:
        """Skip and begin the steps that can be; return the place that the task has then.

        A task that waits for nothing but decisions gives its place back. When one has been made and a command is to
        run, it takes a place that is free, or waits for its turn.
        """
        task_id, pipeline, taken = row.task.id, definition_of(row), row.place is Place.TAKEN
        steps = self._settle_steps(tx, row, pipeline, now, actions, taken=taken)
        wants_place = not taken and any(runs_command(step_definition(pipeline, step.name)) for step in ready(steps))
        # Tasks that gave their place back and wait for one are started whenever one is free: this passes none of them.
        if wants_place and self._free(tx) > 0:
            wants_place = False
            steps = self._settle_steps(tx, row, pipeline, now, actions, taken=True)
        # A step that is paused, or waits for a host key, is in the middle of its work: it goes on without a turn.
        busy = any(step.state in (StepState.RUNNING, StepState.RETRYING) or is_under_way(step) for step in steps)
        place = Place.TAKEN if busy else Place.QUEUED if wants_place else Place.GIVEN_BACK
        if place is not row.place:
            rows.save_place(tx, task_id, place)
        return place

    def _settle_steps(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, now: str, actions: Actions, *, taken: bool
    ) -> list[Step]:
        """Skip and begin the steps that can be, commands only if a place is `taken`; return the steps."""
        steps = rows.steps(tx, row.task.id)
        while self._settle_and_begin(tx, row, pipeline, steps, now, actions, taken=taken):
            steps = rows.steps(tx, row.task.id)
        return rows.steps(tx, row.task.id)

    def _free(self, tx: Transaction) -> int:
        """Return how many places are free."""
        return self._workers - rows.places_taken(tx)

    def _save_cancelled(
        self, tx: Transaction, task_id: str, before: Sequence[Step], after: Sequence[Step], now: str
    ) -> None:
        """Write cancelled steps, and close the polls that they waited for."""
        for step in after:
            rows.save_step(tx, task_id, step)
        for step in before:
            if step.waits_for is not UNSET and step.waits_for.poll is not UNSET:
                self._polls.end(tx, step.waits_for.poll, now)

    def _settle_and_begin(
        self,
        tx: Transaction,
        row: TaskRow,
        pipeline: Pipeline,
        steps: Sequence[Step],
        now: str,
        actions: Actions,
        *,
        taken: bool,
    ) -> bool:
        """Skip and begin the steps that can be. Return True if a step ended, so that others may follow."""
        task_id, ended = row.task.id, False
        for step in skip_blocked(steps, now):
            rows.save_step(tx, task_id, step)
            ended = True
        free = MAX_RUNNING_STEPS - sum(s.state is StepState.RUNNING for s in steps) if taken else 0
        params, outputs = params_of(row), rows.outputs(tx, task_id)
        by_name = {defined.name: defined for defined in pipeline.steps}
        for step in ready(steps):
            definition = by_name[step.name]
            runs = runs_command(definition)
            # A step with a condition is looked at even without room, because it may turn out that it is skipped.
            if runs and free <= 0 and definition.when is None:
                continue
            try:
                holds = definition.when is None or when_holds(definition.when, params, outputs)
            except MissingOutput as missing:
                rows.save_step(tx, task_id, transition(step, StepState.FAILED, now, reason=str(missing)))
                ended = True
                continue
            if not holds:
                rows.save_step(
                    tx, task_id, transition(step, StepState.SKIPPED, now, reason=f"only when {definition.when}")
                )
                ended = True
            elif free > 0 or not runs:
                free -= runs
                ended = not self._begin_step(tx, row, pipeline, step, now, actions) or ended
        return ended

    def _begin_step(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, now: str, actions: Actions
    ) -> bool:
        """Record that a step runs.

        Return False if it failed instead, for example because an output that it uses is missing.
        """
        task_id, definition = row.task.id, step_definition(pipeline, step.name)
        if step.targets:
            needed = all_needs({each.name: each.needs for each in pipeline.steps})[step.name]
            causes = causes_of(rows.steps(tx, task_id), needed)
            return self._fan_out.begin(tx, row, pipeline, step, causes, now, actions).state not in ENDED
        started = transition(step, StepState.RUNNING, now)
        try:
            run = self.specs.spec(tx, row, definition)
            if isinstance(run, WaitSpec) and run.poll is not None:
                asked = self._polls.ask(tx, run.poll, task_id, now)
                rows.save_step(tx, task_id, gates.begin_poll(step, asked, now))
                rows.save_asked(tx, task_id, step.name, asked.poll)
                return True
            if isinstance(run, WaitSpec):
                rows.save_step(tx, task_id, gates.begin(step, run, now))
                if run.within is not None:
                    actions.append(EndWaitLater(task_id, step.name, run.within))
                return True
            # In the transaction: a folder without a running step is only left over, a running step without one is lost.
            self.specs.prepare(task_id, step.name, started.attempt)
        except (LivewallError, OSError) as error:
            reason = error.message if isinstance(error, LivewallError) else f"no folder for it: {error.strerror}"
            rows.save_step(tx, task_id, transition(started, StepState.FAILED, now, reason=reason))
            return False
        duration = usual_times.durations(tx, pipeline.name).get(step.name)
        if duration is not None:
            started.eta = later(moment(now), duration)
        rows.save_step(tx, task_id, started)
        rows.begin_log(tx, row, step.name)
        actions.append(
            self.specs.start(tx, row, definition, step.name, started.attempt, run, log_base(tx, task_id, step.name))
        )
        return True

    # -- after a restart

    def hold_restored(self, tx: Transaction, now: str) -> Actions:
        """After a restore, cancel the steps of earlier tasks that have not begun; those that run continue. Close the
        polls of failed tasks."""
        for state in ("open", "starting"):
            for task_id in rows.with_follow_up(tx, state):
                row = rows.find(tx, task_id)
                if row.epoch != self._epoch:
                    follow_ups.withdraw(tx, row.task, RESTORED_POLL, self._polls, now)
        tasks = tx.all(
            "SELECT id FROM tasks WHERE ended_at IS NULL AND definition IS NOT NULL AND epoch <> :epoch",
            {"epoch": self._epoch},
        )
        return [action for (task_id,) in tasks for action in self._advance(tx, rows.find(tx, task_id), now)]

    def _save_outputs(self, tx: Transaction, task: str, step: str, outputs: dict[str, str]) -> None:
        tx.execute(
            "UPDATE steps SET outputs = :outputs WHERE task = :task AND name = :name",
            {"outputs": wire.text(outputs), "task": task, "name": step},
        )


def _new_step(pipeline: Pipeline, definition: StepDef, params: Params) -> Step:
    """Return a step that has not begun, with its targets. Raises BadInput."""
    step = Step(name=definition.name, needs=list(definition.needs))
    if definition.hosts is not None:
        step.targets = planned([host.name for host in hosts_of(pipeline, definition, params)], definition.hosts)
    return step


def _waiting(tx: Transaction) -> tuple[list[Waiting], dict[str, str]]:
    """Return the tasks that wait for their turn, and the current reason for each.

    Those that go on after a decision come first, and otherwise they are in order of arrival.
    """
    task_rows = tx.all(
        """SELECT id, pipeline, definition, reason, started_at IS NOT NULL AS begun FROM tasks
        WHERE ended_at IS NULL AND admitted = 0 AND definition IS NOT NULL ORDER BY begun DESC, number"""
    )
    waiting = [
        Waiting(task_id, name, None if begun else _concurrency.decode(text).concurrency, bool(begun))
        for task_id, name, text, _, begun in task_rows
    ]
    return waiting, {task_id: reason for task_id, _, _, reason, _ in task_rows}


def _running(tx: Transaction) -> dict[str, int]:
    """Return how many tasks of each pipeline have begun and not ended."""
    return dict(
        tx.all(
            """SELECT pipeline, COUNT(*) FROM tasks
            WHERE ended_at IS NULL AND (admitted <> 0 OR started_at IS NOT NULL) AND definition IS NOT NULL
            GROUP BY pipeline"""
        )
    )


class _Concurrency(msgspec.Struct):
    """The part of a definition that the queue needs: decoding all of it would take longer."""

    concurrency: int | None = None


_concurrency = msgspec.json.Decoder(_Concurrency)
