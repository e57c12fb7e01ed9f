"""How an attempt ended, as the engine is told: from what its supervisor wrote, or did not."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from livewall.errors import LivewallError
from livewall.tasks.attempt import Attempt, Ended, Exit, Lost
from livewall.tasks.machine import (
    StepState,
)


class Outcome(NamedTuple):
    """How an attempt ended. `size` are the bytes of its log, `outputs` what it put out."""

    state: StepState
    reason: str = ""
    seconds: float | None = None
    size: int = 0
    outputs: dict[str, str] = {}


LOST = "its supervisor cannot be found; what it had started may live on"


def outcome_of(attempt: Attempt, secrets: list[str]) -> Outcome:
    """What became of an attempt that is over; blocking."""
    probe = attempt.probe()
    if not isinstance(probe, Ended):
        reason = probe.reason if isinstance(probe, Lost) else LOST
        with contextlib.suppress(OSError):
            return Outcome(StepState.LOST, reason, size=attempt.output.stat().st_size)
        return Outcome(StepState.LOST, reason)
    found = probe.exit
    try:
        outputs = attempt.values(secrets) if found.why == "exit" and found.status == 0 else {}
    except LivewallError as error:
        return Outcome(StepState.FAILED, error.message, found.seconds, found.bytes)
    return Outcome(*verdict(found), found.seconds, found.bytes, outputs)


def verdict(found: Exit) -> tuple[StepState, str]:
    """The state of a step and its reason, from how its command ended."""
    match found.why:
        case "exit" if found.status == 0:
            return StepState.SUCCEEDED, ""
        case "exit":
            return StepState.FAILED, f"exit status {found.status}"
        case "signal":
            return StepState.FAILED, f"ended by signal {found.signal}"
        case "cancelled":
            return StepState.CANCELLED, ""
        case "timeout":
            return StepState.FAILED, found.message or "it took too long"
        case _:
            return StepState.FAILED, found.message or "it could not be run"
