"""What operators may ask of a step on hosts, by its state and the states of its targets. Pure.

The pages offer these acts and no others (static/js/task/hostacts.js); the server refuses what is not among them.
"""

from __future__ import annotations

from livewall.tasks.machine import ENDED, Step, StepState, Target

UNDER_WAY = frozenset({StepState.RUNNING, StepState.WAITING, StepState.RETRYING})
CAN_SKIP = frozenset(StepState) - {StepState.SUCCEEDED, StepState.SKIPPED}
CAN_RETRY = ENDED - {StepState.SUCCEEDED} | {StepState.RETRYING}


def is_under_way(step: Step) -> bool:
    """Return whether a step with hosts has begun and not ended."""
    return bool(step.targets) and step.state in UNDER_WAY


def step_acts(step: Step, *, cancelling: bool) -> list[str]:
    """Return what may be asked of a step: "pause" or "resume", and "abort"."""
    if cancelling or not is_under_way(step):
        return []
    return ["resume" if step.paused is True else "pause", "abort"]


def host_acts(step: Step, target: Target, *, cancelling: bool) -> list[str]:
    """Return what may be asked of a step on one host: "key" (to trust the key that it has shown), "retry", "skip"."""
    if cancelling or not is_under_way(step):
        return []
    asks = {
        "key": target.state is StepState.WAITING and isinstance(target.fingerprint, str),
        "retry": target.state in CAN_RETRY,
        "skip": target.state in CAN_SKIP,
    }
    return [act for act, makes_sense in asks.items() if makes_sense]
