"""The states of steps and tasks, and which may follow which. Pure; a table, and the rules of DESIGN §2 over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from livewall.errors import Refused, invalid


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    LOST = "lost"


class TaskState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


_S = StepState
ENDED = frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELLED, _S.SKIPPED, _S.LOST})
_LIVE = frozenset({_S.RUNNING, _S.WAITING, _S.RETRYING}) | ENDED
MOVES: Mapping[StepState, frozenset[StepState]] = {
    _S.PENDING: _LIVE,
    _S.RUNNING: _LIVE,
    _S.WAITING: _LIVE,
    _S.RETRYING: _LIVE,
    **{state: frozenset({state}) for state in ENDED},
}
"""What a report may make of a step. Terminal states are final; the same state again is no move."""


class Step(msgspec.Struct, kw_only=True):
    """A step as it stands on the wire (DESIGN §4)."""

    name: str
    needs: list[str]
    state: StepState = StepState.PENDING
    reason: str = ""
    attempt: int = 0
    progress: float | None = None
    message: str = ""
    started_at: str | None = None
    ended_at: str | None = None
    eta: str | None = None
    targets: list[dict[str, str]] = []


class StepConflict(Refused):
    """A report of a move that the table does not have: after the step's end, or back to `pending`."""

    def __init__(self, current: StepState, wanted: StepState) -> None:
        final = ", which is final" if current in ENDED else ""
        super().__init__("conflict", f"the step is {current.value}{final}; it cannot become {wanted.value}")


def order(steps: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Raise BadInput unless the steps are a directed acyclic graph of needs that exist."""
    names = [name for name, _ in steps]
    if len(set(names)) != len(names):
        raise invalid("steps", "two steps have the same name")
    needs = {name: list(wanted) for name, wanted in steps}
    for name, wanted in needs.items():
        for need in wanted:
            if need not in needs:
                raise invalid("steps", f"{name} needs {need}, which is no step")
    from graphlib import CycleError, TopologicalSorter

    try:
        TopologicalSorter(needs).prepare()
    except CycleError as cycle:
        raise invalid("steps", f"the needs go round in a circle: {' → '.join(cycle.args[1])}") from None


def reported(
    step: Step, state: StepState | None, progress: float | None, message: str | None, now: str
) -> Step:
    """The step after a report; the same report again gives the same step. Raises StepConflict."""
    wanted = state or step.state
    if wanted is not step.state and wanted not in MOVES[step.state]:
        raise StepConflict(step.state, wanted)
    changes: dict[str, object] = {}
    if step.state in ENDED:
        return step
    if message is not None:
        changes["message"] = message
    if progress is not None:
        changes["progress"] = progress
    if wanted is not step.state:
        changes["state"] = wanted
        if wanted is _S.RUNNING and step.state in (_S.PENDING, _S.RETRYING):
            changes["attempt"] = step.attempt + 1
        if step.started_at is None and wanted not in (_S.SKIPPED, _S.CANCELLED, _S.PENDING):
            changes["started_at"] = now
            changes.setdefault("attempt", max(step.attempt, 1))
        if wanted in ENDED:
            changes["ended_at"] = now
            if wanted is _S.SUCCEEDED:
                changes["progress"] = 1.0
    return msgspec.structs.replace(step, **changes)


def settle(steps: Sequence[Step], now: str) -> list[Step]:
    """The steps that are skipped now because an ancestor failed or is lost, in the order of the task."""
    state = {s.name: s.state for s in steps}
    needs = {s.name: s.needs for s in steps}
    dead: dict[str, str] = {}

    def culprit(name: str) -> str | None:
        if name not in dead:
            dead[name] = ""
            for need in needs[name]:
                if state[need] in (_S.FAILED, _S.LOST, _S.CANCELLED):
                    dead[name] = need
                    break
                found = culprit(need)
                if found:
                    dead[name] = found
                    break
        return dead[name] or None

    changed = []
    for step in steps:
        if step.state is _S.PENDING and (why := culprit(step.name)):
            changed.append(
                msgspec.structs.replace(step, state=_S.SKIPPED, reason=f"{why} {state[why].value}", ended_at=now)
            )
    return changed


def task_state(states: Iterable[StepState], *, cancelled: bool) -> TaskState:
    """What a task is, from its steps."""
    seen = set(states)
    if seen <= ENDED:
        if cancelled:
            return TaskState.CANCELLED
        if _S.LOST in seen:
            return TaskState.LOST
        if _S.FAILED in seen:
            return TaskState.FAILED
        if _S.CANCELLED in seen:
            return TaskState.CANCELLED
        return TaskState.SUCCEEDED
    if cancelled:
        return TaskState.CANCELLING
    if seen & {_S.RUNNING, _S.RETRYING}:
        return TaskState.RUNNING
    if _S.WAITING in seen:
        return TaskState.WAITING
    return TaskState.PENDING if seen == {_S.PENDING} else TaskState.RUNNING
