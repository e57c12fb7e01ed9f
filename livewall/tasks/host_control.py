"""What operators ask of a step on hosts: to pause, resume or abort it, to skip or retry a host, to trust a key.

Each is one write, with its line in the audit, before which everything is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from livewall import audit
from livewall.errors import Refused
from livewall.identity import Who
from livewall.store.transaction import Transaction
from livewall.tasks import rows, target_rows
from livewall.tasks.actions import Actions
from livewall.tasks.definitions import definition_of
from livewall.tasks.fan_out import FanOut
from livewall.tasks.host_acts import is_under_way
from livewall.tasks.machine import StepState, step_is
from livewall.tasks.rows import TaskRow
from livewall.tasks.target_rows import HostKey
from livewall.tasks.targets import with_target

_S = StepState


class HostControl:
    """The acts of operators. `advance` applies the rules to a task, and `stopping` says whether it is being ended."""

    def __init__(
        self,
        fan_out: FanOut,
        advance: Callable[[Transaction, TaskRow, str], Actions],
        stopping: Callable[[TaskRow], bool],
    ) -> None:
        self._fan_out = fan_out
        self._advance = advance
        self._stopping = stopping

    def act(self, tx: Transaction, task_id: str, name: str, act: str, host: str | None, who: Who, now: str) -> Actions:
        """Pause, resume or abort a step with hosts, or skip or retry it on one host. A repetition changes nothing.

        Raises NotFound, and Refused if the step does not run on hosts, or is not under way.
        """
        row, step = rows.find(tx, task_id), rows.step(tx, task_id, name)
        if not step.targets:
            raise Refused("conflict", f"the step {name} does not run on hosts")
        pipeline, paused = definition_of(row), step.paused is True
        before = None if host is None else rows.target(step, host)
        aborted_by = rows.control(tx, task_id, name).aborted_by
        if (act == "abort" and aborted_by is not None) or (act == "skip" and before and before.state is _S.SKIPPED):
            return []
        if row.cancelled and is_under_way(step):
            raise Refused("conflict", "the task is being cancelled")
        if not is_under_way(step) or self._stopping(row):
            again = "; retry the task instead" if act == "retry" else ""
            raise Refused("conflict", f"{step_is(step.state)}{again}")
        if aborted_by is not None:
            raise Refused("conflict", f"the step is being aborted by {aborted_by}")
        if (act == "pause" and paused) or (act == "resume" and not paused):
            return []
        match act:
            case "pause":
                actions = self._fan_out.pause(tx, row, pipeline, step, who.name, now)
            case "resume":
                actions = self._fan_out.resume(tx, row, pipeline, step, now)
            case "abort":
                actions = self._fan_out.abort(tx, row, pipeline, step, who.name, now)
            case "skip":
                actions = self._fan_out.skip(tx, row, pipeline, step, host or "", who.name, now)
            case _:
                actions = self._fan_out.retry_host(tx, row, pipeline, step, host or "", now)
        details = {} if host is None else {"host": host}
        audit.note(tx, who, now, f"task.{act}", rows.stream_of(task_id), step=name, **details)
        return actions + self._advance(tx, row, now)

    def shown_key(
        self, db: Any, task_id: str, name: str, host: str, fingerprint: str
    ) -> tuple[TaskRow, HostKey | None]:
        """Return the task, and the key that a host has shown and that is to be confirmed; None if it was already.

        Raises NotFound, and Refused for another fingerprint, or if nothing waits for a key.
        """
        row, step = rows.find(db, task_id), rows.step(db, task_id, name)
        target, shown = rows.target(step, host), target_rows.host_key(db, task_id, name, host)
        if target.state is StepState.WAITING and shown is not None:
            if shown.fingerprint != fingerprint:
                raise Refused("conflict", f"the host {host} has shown another key: {shown.fingerprint}")
            return row, shown
        if target_rows.accepted_key(db, task_id, name, host) == fingerprint:
            return row, None
        raise Refused(
            "conflict", f"the host {host} does not wait for its key to be confirmed: its state is {target.state.value}"
        )

    def key_accepted(
        self, tx: Transaction, task_id: str, name: str, host: str, fingerprint: str, who: Who, now: str
    ) -> Actions:
        """Begin on a host again whose key has been confirmed, and written to the file of known hosts."""
        row, shown = self.shown_key(tx, task_id, name, host, fingerprint)
        if shown is None:
            return []
        actions: Actions = []
        for other in rows.steps(tx, task_id):  # which wait for the same key
            target = next((each for each in other.targets if each.host == host), None)
            same = target is not None and target.state is StepState.WAITING and target.fingerprint == fingerprint
            if target is not None and same and other.name != name and is_under_way(other):
                target_rows.save_accepted_key(tx, task_id, other.name, host, fingerprint)
                begins = msgspec.structs.replace(target, state=StepState.PENDING, reason="")
                self._fan_out.advance(tx, row, definition_of(row), other, with_target(other, begins), now, actions)
        step = rows.step(tx, task_id, name)
        waiting = msgspec.structs.replace(rows.target(step, host), state=StepState.PENDING, reason="")
        audit.note(
            tx, who, now, "task.host_key", rows.stream_of(task_id), step=name, host=host, fingerprint=fingerprint
        )
        target_rows.save_accepted_key(tx, task_id, name, host, fingerprint)
        self._fan_out.advance(tx, row, definition_of(row), step, with_target(step, waiting), now, actions)
        return actions + self._advance(tx, row, now)
