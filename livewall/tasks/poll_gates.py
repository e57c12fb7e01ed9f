"""Gates that are decided by polls: what a gate asks of polls, and what the end of its poll does to the step.

Nothing here knows what a poll is; `livewall/gate_polls.py` connects both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from livewall import audit
from livewall.store.transaction import Transaction
from livewall.tasks import gates, rows
from livewall.tasks.engine import Actions, Engine
from livewall.tasks.machine import StepState


class PollGate(NamedTuple):
    """A step that waits for a poll; `passes` is the label of the option that opens it."""

    task: str
    step: str
    passes: str
    otherwise: StepState


class PollGates:
    """`after_commit(tx, actions)` performs actions of the engine after the commit of a write of another service."""

    def __init__(self, engine: Engine, after_commit: Callable[[Transaction, Actions], None]) -> None:
        self._engine = engine
        self._after_commit = after_commit

    def find(self, tx: Transaction, poll: str) -> PollGate | None:
        """Return the gate that waits for a poll, or None."""
        found = tx.one(
            """SELECT task, name FROM steps WHERE ended_at IS NULL AND state = 'waiting'
            AND json_extract(waits_for, '$.poll') = :poll""",
            {"poll": poll},
        )
        if found is None:
            return None
        task_id, name = found
        spec = self._engine.wait_spec(tx, rows.find(tx, task_id), name)
        assert spec is not None and spec.poll is not None
        return PollGate(task_id, name, spec.poll.passes, StepState(spec.otherwise))

    def end(self, tx: Transaction, gate: PollGate, state: StepState, reason: str, now: str) -> None:
        """End a gate, because its poll ended."""
        step = rows.step(tx, gate.task, gate.step)
        poll = "" if step.waits_for is UNSET else step.waits_for.poll
        rows.save_step(tx, gate.task, gates.end(step, state, reason, now))
        audit.note(
            tx, None, now, "task.poll", rows.stream_of(gate.task),
            step=gate.step, poll=poll, state=state.value, reason=reason,
        )  # fmt: skip
        self._after_commit(tx, self._engine.advance(tx, rows.find(tx, gate.task), now))

    def move(self, tx: Transaction, gate: PollGate, until: str | None) -> None:
        """Say until when a gate waits, because the closing time of its poll was changed."""
        step = rows.step(tx, gate.task, gate.step)
        assert step.waits_for is not UNSET
        waits_for = msgspec.structs.replace(step.waits_for, until=UNSET if until is None else until)
        if waits_for != step.waits_for:
            rows.save_step(tx, gate.task, msgspec.structs.replace(step, waits_for=waits_for))
