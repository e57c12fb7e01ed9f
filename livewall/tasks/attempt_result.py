"""The outcome of an attempt for the engine, from the result that its supervisor wrote."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from livewall.errors import LivewallError
from livewall.tasks.attempt import Attempt, Ended, Exit, Lost
from livewall.tasks.machine import StepState
from livewall.tasks.supervisor.mask import masked
from livewall.tasks.target_rows import HostKey


class Outcome(NamedTuple):
    """How an attempt ended. `size` is the length of its log in bytes, `outputs` are the outputs it wrote.

    It is `waiting`, with the `host_key`, if its host has shown a key that is not known, and nothing was done there.
    """

    state: StepState
    reason: str = ""
    seconds: float | None = None
    size: int = 0
    outputs: dict[str, str] = {}
    host_key: HostKey | None = None


LOST = "its supervisor cannot be found; processes that it started may still be running"


def outcome_of(attempt: Attempt, secrets: list[str]) -> Outcome:
    """Return the outcome of an attempt that is over. It blocks."""
    probe = attempt.probe()
    if not isinstance(probe, Ended):
        reason = probe.reason if isinstance(probe, Lost) else LOST
        with contextlib.suppress(OSError):
            return Outcome(StepState.LOST, reason, size=attempt.output.stat().st_size)
        return Outcome(StepState.LOST, reason)
    result = probe.exit
    try:
        outputs = attempt.outputs(secrets) if result.why == "exit" and result.status == 0 else {}
    except LivewallError as error:
        return Outcome(StepState.FAILED, error.message, result.seconds, result.bytes)
    state, reason = step_state(result)
    if result.why == "exit" and state is StepState.FAILED:
        if key := attempt.host_key():
            return Outcome(StepState.WAITING, "", result.seconds, result.bytes, host_key=key)
        if lost := attempt.lost():
            return Outcome(StepState.LOST, masked(lost, secrets), result.seconds, result.bytes)
        reason = masked(attempt.reason(), secrets) or reason
    return Outcome(state, reason, result.seconds, result.bytes, outputs)


def step_state(result: Exit) -> tuple[StepState, str]:
    """Return the state of a step and the reason, from the result of its command."""
    match result.why:
        case "exit" if result.status == 0:
            return StepState.SUCCEEDED, ""
        case "exit":
            return StepState.FAILED, f"exit status {result.status}"
        case "signal":
            return StepState.FAILED, f"ended by signal {result.signal}"
        case "cancelled":
            return StepState.CANCELLED, ""
        case "timeout":
            return StepState.FAILED, result.message or "it took too long"
        case _:
            return StepState.FAILED, result.message or "it could not be run"
