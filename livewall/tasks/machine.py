"""The states of steps and tasks, and which may follow which. Pure; a table, and the rules over it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import msgspec

from livewall.errors import Refused, invalid
from livewall.tasks.dependencies import MOST_NEEDS


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
UNDER_WAY = frozenset({_S.RUNNING, _S.WAITING, _S.RETRYING})
DEAD = frozenset({_S.FAILED, _S.LOST, _S.CANCELLED})
"""What needs one of these, however far, will not run."""
MOVES: Mapping[StepState, frozenset[StepState]] = {
    _S.PENDING: UNDER_WAY | ENDED,
    _S.RUNNING: UNDER_WAY | ENDED,
    _S.WAITING: UNDER_WAY | ENDED,
    _S.RETRYING: UNDER_WAY | ENDED,
    **{state: frozenset() for state in ENDED},
}
"""Which state may follow which. Terminal states are final; the same state again is no move."""
LATE = frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELLED})
"""What may still be reported of a step whose lease ran out: how it ended."""
LATE_START = frozenset({_S.RUNNING, _S.WAITING})
"""What may be reported besides where the lease ran out before the step began: no attempt was lost."""
TASK_ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.LOST})


class Step(msgspec.Struct, kw_only=True):
    """A step as it stands on the wire."""

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
    """Raise BadInput unless the steps are a directed acyclic graph of needs that exist, and not too many."""
    names = [name for name, _ in steps]
    if len(set(names)) != len(names):
        raise invalid("steps", "two steps have the same name")
    if sum(len(wanted) for _, wanted in steps) > MOST_NEEDS:
        raise invalid("steps", f"a task has at most {MOST_NEEDS:,} needs, those of all steps together")
    needs = {name: list(wanted) for name, wanted in steps}
    for name, wanted in needs.items():
        for need in wanted:
            if need not in needs:
                raise invalid("steps", f"{name} needs {need}, which is no step")
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as cycle:
        raise invalid("steps", f"the needs go round in a circle: {' → '.join(cycle.args[1])}") from None


def moved(step: Step, state: StepState, now: str, *, reason: str = "", late: bool = False) -> Step:
    """The step in another state, with what follows from that: attempt, start, end. Raises StepConflict.

    `late`: its lease ran out, so a lost step may still be said to have ended otherwise.
    """
    if state is step.state:
        return step
    if state not in MOVES[step.state]:
        allowed = LATE if step.attempt else LATE | LATE_START
        if not (late and step.state is _S.LOST and state in allowed):
            raise StepConflict(step.state, state)
    changes: dict[str, object] = {"state": state, "reason": reason, "ended_at": None}
    if state is _S.RUNNING and (step.state in (_S.PENDING, _S.RETRYING) or not step.attempt):
        changes["attempt"] = step.attempt + 1
        if step.attempt:  # what was said of the attempt before is over
            changes |= {"progress": None, "message": ""}
    if step.started_at is None and state not in (_S.SKIPPED, _S.CANCELLED, _S.PENDING):
        changes["started_at"] = now
        changes.setdefault("attempt", max(step.attempt, 1))
    if state in ENDED:
        changes |= {"ended_at": max(now, step.started_at or now), "eta": None}
        if state is _S.SUCCEEDED:
            changes |= {"progress": 1.0, "message": ""}  # what it was doing last, it does no longer
    return msgspec.structs.replace(step, **changes)


def reported(
    step: Step, state: StepState | None, progress: float | None, message: str | None, now: str, *, late: bool = False
) -> Step:
    """The step after a report; the same report again gives the same step. Raises StepConflict."""
    wanted = state or step.state
    after = moved(step, wanted, now, late=late)
    if step.state in ENDED and after is step:
        return step
    changes: dict[str, object] = {}
    if message is not None:
        changes["message"] = message
    if progress is not None and wanted is not _S.SUCCEEDED:
        changes["progress"] = progress
    return msgspec.structs.replace(after, **changes)


def cancelled(steps: Iterable[Step], now: str, *, by_force: bool = False) -> list[Step]:
    """The steps that a cancel ends by itself: those that never started; `by_force` those under way as well."""
    ends = UNDER_WAY | {_S.PENDING} if by_force else {_S.PENDING, _S.RETRYING}
    reason = "ended without an answer" if by_force else ""
    return [
        moved(step, _S.CANCELLED, now, reason=reason if step.state in UNDER_WAY else "")
        for step in steps
        if step.state in ends
    ]


def silent(step: Step, now: str, reason: str) -> Step:
    """The step lost because its reporter is silent; one that never began has neither a start nor an attempt."""
    return msgspec.structs.replace(step, state=_S.LOST, reason=reason, ended_at=now, eta=None)


def culprits(steps: Sequence[Step]) -> dict[str, str]:
    """For each step that cannot run any more, the dead ancestor because of which."""
    state = {s.name: s.state for s in steps}
    found: dict[str, str] = {}
    if DEAD.isdisjoint(state.values()):  # as nearly always, and of many steps the order takes its time
        return found
    for name in in_order(steps):
        for need in name.needs:
            why = need if state[need] in DEAD else found.get(need)
            if why is not None:
                found[name.name] = why
                break
    return found


def settle(steps: Sequence[Step], now: str) -> list[Step]:
    """The steps that are skipped now because an ancestor failed or is lost, in the order of the task."""
    why = culprits(steps)
    state = {s.name: s.state for s in steps}
    return [
        moved(step, _S.SKIPPED, now, reason=f"{why[step.name]} {state[why[step.name]].value}")
        for step in steps
        if step.state is _S.PENDING and step.name in why
    ]


class Settled(NamedTuple):
    """A step that changed because of others; `because` is the culprit where it is skipped."""

    step: Step
    because: str | None


def settled(steps: Sequence[Step], blamed: Container[str], now: str, *, cancelling: bool) -> list[Settled]:
    """The steps that change because of how the others stand, worked out anew.

    `blamed` are those that were skipped because of another step: each is pending again unless an ancestor is still
    dead, and then says which. In a task that is being cancelled what never started is cancelled.
    """
    begun = [
        msgspec.structs.replace(step, state=_S.PENDING, reason="", ended_at=None)
        if step.state is _S.SKIPPED and step.name in blamed
        else step
        for step in steps
    ]
    why = {} if cancelling else culprits(begun)
    ended = {step.name: step for step in (cancelled(begun, now) if cancelling else settle(begun, now))}
    found = []
    for before, step in zip(steps, begun, strict=True):
        after = ended.get(step.name, step)
        if (after.state, after.reason) != (before.state, before.reason):
            found.append(Settled(after, why.get(step.name) if after.state is _S.SKIPPED else None))
    return found


def ready(steps: Sequence[Step]) -> list[Step]:
    """The pending steps whose every need succeeded or was skipped by its own condition, in the order of the task."""
    state = {s.name: s.state for s in steps}
    dead = culprits(steps)
    done = (_S.SUCCEEDED, _S.SKIPPED)
    return [
        step
        for step in steps
        if step.state is _S.PENDING and step.name not in dead and all(state[need] in done for need in step.needs)
    ]


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps, each after all it needs."""
    by_name = {s.name: s for s in steps}
    return [by_name[name] for name in TopologicalSorter({s.name: s.needs for s in steps}).static_order()]


def retried(steps: Sequence[Step]) -> list[Step]:
    """The steps of a new task that takes over what succeeded in one that ended."""
    return [
        msgspec.structs.replace(step, reason="taken over")
        if step.state is _S.SUCCEEDED
        else Step(name=step.name, needs=step.needs)
        for step in steps
    ]


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
