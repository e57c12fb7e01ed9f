"""The states of steps and tasks, the table of transitions between them, and the rules that use it. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from livewall.errors import Refused, invalid
from livewall.tasks.dependencies import MAX_NEEDS


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
BLOCKING = frozenset({_S.FAILED, _S.LOST, _S.CANCELLED})
"""States that keep every step that needs this one, directly or not, from running."""
TRANSITIONS: Mapping[StepState, frozenset[StepState]] = {
    _S.PENDING: UNDER_WAY | ENDED,
    _S.RUNNING: UNDER_WAY | ENDED,
    _S.WAITING: UNDER_WAY | ENDED,
    _S.RETRYING: UNDER_WAY | ENDED,
    **{state: frozenset() for state in ENDED},
}
"""Which states may follow each state. Terminal states are final; repeating a state is not a transition."""
LATE_STATES = frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELLED})
"""States that may be reported of a lost step whose lease ran out: ways to end."""
LATE_START_STATES = frozenset({_S.RUNNING, _S.WAITING})
"""States that may be reported as well if the lease ran out before the step began, because no attempt was lost."""
TASK_ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.LOST})


class WaitsFor(msgspec.Struct, frozen=True):
    """What a waiting step waits for, as it is sent to readers: people, of whom `approvers` names or describes each; the
    end of a `poll`, of which this is the id; or somebody who confirms the key of a `host`, with this `fingerprint`.

    `until` is when the wait ends without them, or the poll closes.
    """

    kind: Literal["approval", "poll", "host_key"]
    approvers: list[str]
    poll: str | UnsetType = UNSET
    until: str | UnsetType = UNSET
    host: str | UnsetType = UNSET
    fingerprint: str | UnsetType = UNSET


def has_ended(state: str) -> bool:
    """Return whether a state of a step or of a task is final."""
    return state in ENDED


def retry_refusal(state: TaskState, *, local: bool) -> str:
    """Return why a task cannot be retried, or an empty text; `local` says that it runs here."""
    if not local:
        return "this task was reported from elsewhere; start it again there"
    if state not in TASK_ENDED:
        return f"the task is {state.value}; it can be retried when it has ended"
    return "the task succeeded; start a new one" if state is TaskState.SUCCEEDED else ""


class Target(msgspec.Struct, kw_only=True, frozen=True):
    """A host of a step that runs on several, as it is sent to readers.

    `message` says what it is doing. `fingerprint` is there while it waits for somebody to confirm the key of the host.
    """

    host: str
    state: StepState = StepState.PENDING
    reason: str = ""
    wave: int = 1
    attempt: int = 0
    progress: float | None = None
    started_at: str | None = None
    ended_at: str | None = None
    message: str | UnsetType = UNSET
    fingerprint: str | UnsetType = UNSET


class Step(msgspec.Struct, kw_only=True):
    """A step, as it is sent to readers. `paused` is there while a step with hosts is paused."""

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
    targets: list[Target] = []
    waits_for: WaitsFor | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class StepConflict(Refused):
    """A report of a transition that the table does not allow: after the step's end, or back to `pending`."""

    def __init__(self, current: StepState, wanted: StepState) -> None:
        super().__init__("conflict", f"{step_is(current)}; it cannot become {wanted.value}")


def step_is(state: StepState) -> str:
    """Return a sentence for a refusal: in which state the step is, or how it has ended."""
    match state:
        case _S.SUCCEEDED | _S.FAILED:
            return f"the step has already {state.value}"
        case _S.CANCELLED | _S.SKIPPED:
            return f"the step was already {state.value}"
        case _:
            return f"the step is {state.value}"


def check_graph(steps: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Raise BadInput unless the steps are a directed acyclic graph of needs that exist, and not too many."""
    names = [name for name, _ in steps]
    if len(set(names)) != len(names):
        raise invalid("steps", "two steps have the same name")
    if sum(len(wanted) for _, wanted in steps) > MAX_NEEDS:
        raise invalid("steps", f"a task has at most {MAX_NEEDS:,} needs, those of all steps together")
    needs = {name: list(wanted) for name, wanted in steps}
    for name, wanted in needs.items():
        for need in wanted:
            if need not in needs:
                raise invalid("steps", f"{name} needs {need}, which is not a step")
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as cycle:
        raise invalid("steps", f"the needs form a cycle: {' → '.join(cycle.args[1])}") from None


def transition(step: Step, state: StepState, now: str, *, reason: str = "", late: bool = False) -> Step:
    """Return the step in another state, with its attempt and times set accordingly. Raises StepConflict.

    With `late`, the step was lost because its lease ran out, and its reporter may still say how it ended.
    """
    if state is step.state:
        return step
    if state not in TRANSITIONS[step.state]:
        allowed = LATE_STATES if step.attempt else LATE_STATES | LATE_START_STATES
        if not (late and step.state is _S.LOST and state in allowed):
            raise StepConflict(step.state, state)
    changes: dict[str, object] = {"state": state, "reason": reason, "ended_at": None}
    if state is _S.RUNNING and (step.state in (_S.PENDING, _S.RETRYING) or not step.attempt):
        changes["attempt"] = step.attempt + 1
        if step.attempt:  # progress and message belong to the attempt before
            changes |= {"progress": None, "message": ""}
    if step.started_at is None and state not in (_S.SKIPPED, _S.CANCELLED, _S.PENDING):
        changes["started_at"] = now
        # A step that was reported as ended without a start has had one attempt.
        changes.setdefault("attempt", max(step.attempt, 1))
    if state in ENDED:
        # The clock may have been set back since the start.
        changes |= {"ended_at": max(now, step.started_at or now), "eta": None}
        if state is _S.SUCCEEDED:
            changes |= {"progress": 1.0, "message": ""}  # the message says what the step was doing
    return msgspec.structs.replace(step, **changes)


def reported(
    step: Step, state: StepState | None, progress: float | None, message: str | None, now: str, *, late: bool = False
) -> Step:
    """Return the step after a report. The same report again returns an equal step. Raises StepConflict."""
    wanted = state or step.state
    after = transition(step, wanted, now, late=late)
    if step.state in ENDED and after is step:
        return step
    changes: dict[str, object] = {}
    if message is not None:
        changes["message"] = message
    if progress is not None and wanted is not _S.SUCCEEDED:
        changes["progress"] = progress
    return msgspec.structs.replace(after, **changes)


def cancelled(steps: Iterable[Step], now: str, *, by_force: bool = False) -> list[Step]:
    """Return the steps that a cancel ends: those that have not started and, with `by_force`, those under way as
    well."""
    ends = UNDER_WAY | {_S.PENDING} if by_force else {_S.PENDING, _S.RETRYING}
    reason = "ended without an answer" if by_force else ""
    return [
        without_wait(transition(step, _S.CANCELLED, now, reason=reason if step.state in UNDER_WAY else ""))
        for step in steps
        if step.state in ends or step.waits_for is not UNSET
    ]


def without_wait(step: Step) -> Step:
    """Return the step that waits for nothing any more."""
    return step if step.waits_for is UNSET else msgspec.structs.replace(step, message="", waits_for=UNSET)


def lose(step: Step, now: str, reason: str) -> Step:
    """Return the step as lost. One that never began has no start and no attempt."""
    return msgspec.structs.replace(step, state=_S.LOST, reason=reason, ended_at=now, eta=None)


def failed_ancestors(steps: Sequence[Step]) -> dict[str, str]:
    """Return for each step that can no longer run the ancestor that prevents it."""
    state = {s.name: s.state for s in steps}
    causes: dict[str, str] = {}
    if BLOCKING.isdisjoint(state.values()):  # the usual case; sorting hundreds of steps takes time
        return causes
    for name in in_order(steps):
        for need in name.needs:
            why = need if state[need] in BLOCKING else causes.get(need)
            if why is not None:
                causes[name.name] = why
                break
    return causes


def skip_blocked(steps: Sequence[Step], now: str) -> list[Step]:
    """Return the steps to skip now because an ancestor failed or is lost, in the order of the task."""
    why = failed_ancestors(steps)
    state = {s.name: s.state for s in steps}
    return [
        transition(step, _S.SKIPPED, now, reason=f"{why[step.name]} {state[why[step.name]].value}")
        for step in steps
        if step.state is _S.PENDING and step.name in why
    ]


class Resettled(NamedTuple):
    """A step that changed because of another one; `because` names that one if the step is skipped."""

    step: Step
    because: str | None


def resettle(steps: Sequence[Step], blamed: Container[str], now: str, *, cancelling: bool) -> list[Resettled]:
    """Return the steps whose state follows from others and has changed.

    `blamed` names the steps that were skipped because of another one. Each becomes pending again, unless an ancestor
    still prevents it. In a task that is being cancelled, steps that have not started are cancelled instead.
    """
    begun = [
        msgspec.structs.replace(step, state=_S.PENDING, reason="", ended_at=None)
        if step.state is _S.SKIPPED and step.name in blamed
        else step
        for step in steps
    ]
    why = {} if cancelling else failed_ancestors(begun)
    ended = {step.name: step for step in (cancelled(begun, now) if cancelling else skip_blocked(begun, now))}
    resettled = []
    for before, step in zip(steps, begun, strict=True):
        after = ended.get(step.name, step)
        if (after.state, after.reason) != (before.state, before.reason):
            resettled.append(Resettled(after, why.get(step.name) if after.state is _S.SKIPPED else None))
    return resettled


def ready(steps: Sequence[Step]) -> list[Step]:
    """Return the pending steps all of whose needs succeeded or were skipped by their own condition, in task order."""
    state = {s.name: s.state for s in steps}
    dead = failed_ancestors(steps)
    done = (_S.SUCCEEDED, _S.SKIPPED)
    return [
        step
        for step in steps
        if step.state is _S.PENDING and step.name not in dead and all(state[need] in done for need in step.needs)
    ]


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Return the steps in topological order: each after all that it needs."""
    by_name = {s.name: s for s in steps}
    return [by_name[name] for name in TopologicalSorter({s.name: s.needs for s in steps}).static_order()]


TAKEN_OVER = "taken over"


def retried(steps: Sequence[Step], *, by_host: bool = False) -> list[Step]:
    """Return the steps of a task that retries another one and takes over what succeeded in it; with `by_host`, host by
    host."""
    return [_retried(step, by_host=by_host) for step in steps]


def _retried(step: Step, *, by_host: bool) -> Step:
    left = by_host and any(target.state is not _S.SUCCEEDED for target in step.targets)
    if step.state is _S.SUCCEEDED and not left:
        return msgspec.structs.replace(step, reason=TAKEN_OVER)
    targets = [
        msgspec.structs.replace(target, reason=TAKEN_OVER)
        if by_host and target.state is _S.SUCCEEDED
        else Target(host=target.host, wave=target.wave)
        for target in step.targets
    ]
    return Step(name=step.name, needs=step.needs, targets=targets)


def task_state(states: Iterable[StepState], *, cancelled: bool) -> TaskState:
    """Return the state of a task with steps in these states."""
    present = set(states)
    # The worst end counts: what is lost may still be running somewhere, and somebody has to look.
    if present <= ENDED:
        if cancelled:
            return TaskState.CANCELLED
        if _S.LOST in present:
            return TaskState.LOST
        if _S.FAILED in present:
            return TaskState.FAILED
        if _S.CANCELLED in present:
            return TaskState.CANCELLED
        return TaskState.SUCCEEDED
    if cancelled:
        return TaskState.CANCELLING
    if present & {_S.RUNNING, _S.RETRYING}:
        return TaskState.RUNNING
    if _S.WAITING in present:
        return TaskState.WAITING
    return TaskState.PENDING if present == {_S.PENDING} else TaskState.RUNNING
