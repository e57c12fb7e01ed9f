"""The rules of steps that wait for a decision: who may decide, and what a decision does, or its absence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec
from msgspec import UNSET

from livewall.clock import later, moment
from livewall.errors import NotAllowed, Refused
from livewall.identity import ROLES, Who, imitates_role
from livewall.store.transaction import Transaction
from livewall.tasks.kinds import GatePoll, WaitSpec
from livewall.tasks.machine import Step, StepState, WaitsFor, transition, without_wait

DECISIONS = {"approve": (StepState.SUCCEEDED, "approved"), "reject": (StepState.FAILED, "rejected")}
UNDECIDED = "nobody decided in time"


class Asked(NamedTuple):
    """A poll that a gate asked: its id, the code of its wall, and when it closes by itself."""

    poll: str
    wall: str
    closes_at: str | None


class AsksPolls(Protocol):
    """Asks and ends the polls of gates, in the transaction in which the step changes."""

    def ask(self, tx: Transaction, given: GatePoll, task: str, now: str) -> Asked:
        """Create a poll for a gate and open it. Raises LivewallError, always before the first change."""

    def end(self, tx: Transaction, poll: str, now: str) -> None:
        """Close a poll that decides nothing any more."""


class Decision(msgspec.Struct, frozen=True):
    """A decision as it is stored: who made it, and the `ref` with which it may be repeated."""

    decision: Literal["approve", "reject"]
    credential: str
    ref: str | None = None


def tags_of(who: Who) -> tuple[str, ...]:
    """Return the texts by which a list of approvers may name somebody: a name, and a role.

    A step that reports on itself has neither: a task must not open its own gate. Who signed in with a link is called as
    their role is, and has no name of their own; nor has a token of an earlier version whose name imitates a role.
    """
    if who.role is None:
        return ()
    role = f"role:{who.role}"
    return (role,) if who.name in ROLES or imitates_role(who.name) else (who.name, role)


def may_decide(who: Who, approvers: Sequence[str]) -> bool:
    return any(tag in approvers for tag in tags_of(who))


def begin_poll(step: Step, asked: Asked, now: str) -> Step:
    """Return the step that waits from now on until its poll is closed."""
    until = UNSET if asked.closes_at is None else asked.closes_at
    return msgspec.structs.replace(
        transition(step, StepState.WAITING, now),
        message=f"waits for a poll on wall {asked.wall}",
        waits_for=WaitsFor("poll", [], asked.poll, until),
    )


def begin(step: Step, spec: WaitSpec, now: str) -> Step:
    """Return the step that waits from now on for its approvers."""
    until = UNSET if spec.within is None else later(moment(now), spec.within)
    waiting = transition(step, StepState.WAITING, now)
    return msgspec.structs.replace(
        waiting,
        message=f"waits for {in_words(spec.approvers)}",
        waits_for=WaitsFor("approval", spec.approvers, until=until),
    )


def check_may_decide(who: Who, approvers: Sequence[str]) -> None:
    """Raise NotAllowed for somebody who is not an approver."""
    if not may_decide(who, approvers):
        code = "unauthenticated" if who.role is None else "forbidden"
        raise NotAllowed(code, f"this gate is decided by {in_words(approvers)}")


def decide(step: Step, made: Decision, who: Who, comment: str, before: Decision | None, now: str) -> Step | None:
    """Return the step after a decision, or None if it repeats the one that was made.

    Raises Refused (`conflict`) for a step that does not wait, or was decided already.
    """
    if before is not None and made.ref is not None and made == before:
        return None
    if step.state is not StepState.WAITING or step.waits_for is UNSET:
        raise Refused("conflict", f"there is nothing to decide: the state of the step is {step.state.value}")
    state, verb = DECISIONS[made.decision]
    return end(step, state, f"{verb} by {who.name}{f': {comment}' if comment else ''}", now)


def over(step: Step, otherwise: str, now: str) -> Step | None:
    """Return the step that nobody decided in time, or None while there is time, or if it does not wait for people."""
    if step.state is not StepState.WAITING or step.waits_for is UNSET or step.waits_for.kind != "approval":
        return None
    until = step.waits_for.until
    return end(step, StepState(otherwise), UNDECIDED, now) if until is not UNSET and until <= now else None


def end(step: Step, state: StepState, reason: str, now: str) -> Step:
    """Return a step that waits no longer."""
    return without_wait(transition(step, state, now, reason=reason))


def in_words(approvers: Sequence[str]) -> str:
    """Return the approvers in words: "Lin, or anybody with the role host"."""
    names = [name for name in approvers if not name.startswith("role:")]
    roles = [name.removeprefix("role:") for name in approvers if name.startswith("role:")]
    parts = [*names, *(f"anybody with the role {role}" for role in roles)]
    return f"{', '.join(parts[:-1])} or {parts[-1]}" if len(parts) > 1 else parts[0]
