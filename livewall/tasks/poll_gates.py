"""Gates that are decided by polls, and failed tasks that ask one: what the end of the poll does to the step or task.

Nothing here knows what a poll is; `livewall/gate_polls.py` connects both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from livewall import audit
from livewall.store.transaction import Transaction
from livewall.tasks import follow_ups, gates, rows
from livewall.tasks.actions import Actions
from livewall.tasks.definitions import definition_of
from livewall.tasks.engine import Engine
from livewall.tasks.machine import StepState


class PollGate(NamedTuple):
    """What waits for a poll: a step, or a failed task (`step` is None). `passes` is the label of the option that opens
    it or starts another pipeline; None if the poll starts nothing."""

    task: str
    step: str | None
    passes: str | None
    otherwise: StepState


class PollGates:
    """`after_commit(tx, actions)` performs actions of the engine after the commit of a write of another service;
    `start(task)` is called after the commit of the decision to start what follows a failed task."""

    def __init__(
        self, engine: Engine, after_commit: Callable[[Transaction, Actions], None], start: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._after_commit = after_commit
        self._start = start

    def find(self, tx: Transaction, poll: str) -> PollGate | None:
        """Return the gate or the failed task that waits for a poll, or None."""
        found = tx.one(
            """SELECT task, name FROM steps WHERE ended_at IS NULL AND state = 'waiting'
            AND json_extract(waits_for, '$.poll') = :poll""",
            {"poll": poll},
        )
        if found is None:
            return self._failed_task(tx, poll)
        task_id, name = found
        spec = self._engine.specs.wait_spec(tx, rows.find(tx, task_id), name)
        assert spec is not None and spec.poll is not None
        return PollGate(task_id, name, spec.poll.passes, StepState(spec.otherwise))

    def _failed_task(self, tx: Transaction, poll: str) -> PollGate | None:
        for task_id in rows.with_follow_up(tx, "open", poll):
            on_failure = definition_of(rows.find(tx, task_id)).on_failure
            assert on_failure is not None
            passes = None if on_failure.starts is None else on_failure.starts.when
            return PollGate(task_id, None, passes, StepState.FAILED)
        return None

    def end(self, tx: Transaction, gate: PollGate, state: StepState, reason: str, now: str) -> None:
        """End a gate, or decide what follows a failed task, because its poll ended."""
        if gate.step is None:
            task = rows.find(tx, gate.task).task
            if state is StepState.SUCCEEDED:
                follow_ups.begin_start(tx, task, reason, now)
                tx.after_commit(lambda: self._start(gate.task))
            else:
                follow_ups.end_without(tx, task, reason, now)
            return
        step = rows.step(tx, gate.task, gate.step)
        poll = "" if step.waits_for is UNSET else step.waits_for.poll
        rows.save_step(tx, gate.task, gates.end(step, state, reason, now))
        audit.note(
            tx, None, now, "task.poll", rows.stream_of(gate.task),
            step=gate.step, poll=poll, state=state.value, reason=reason,
        )  # fmt: skip
        self._after_commit(tx, self._engine.advance(tx, rows.find(tx, gate.task), now))

    def move(self, tx: Transaction, gate: PollGate, until: str | None) -> None:
        """Say until when a gate or a failed task waits, because the closing time of its poll was changed."""
        if gate.step is None:
            follow_ups.move(tx, rows.find(tx, gate.task).task, until)
            return
        step = rows.step(tx, gate.task, gate.step)
        assert step.waits_for is not UNSET
        waits_for = msgspec.structs.replace(step.waits_for, until=UNSET if until is None else until)
        if waits_for != step.waits_for:
            rows.save_step(tx, gate.task, msgspec.structs.replace(step, waits_for=waits_for))
