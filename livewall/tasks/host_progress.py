"""How far a step with hosts is: what its pages say of it, without script as with it (static/js/task/hosts.js). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from livewall.tasks.host_acts import is_under_way
from livewall.tasks.machine import ENDED, Step, StepState, Target

_S = StepState
FAILURES = (_S.FAILED, _S.LOST)
URGENCY = (
    _S.FAILED, _S.LOST, _S.WAITING, _S.RUNNING, _S.RETRYING, _S.PENDING, _S.CANCELLED, _S.SKIPPED, _S.SUCCEEDED,
)  # fmt: skip
"""The states of hosts, those first that somebody has to look at."""


class HostProgress(NamedTuple):
    """The number of hosts that have ended, of all; the wave under way or None, of all; who failed and how many were
    left out."""

    ended: int
    total: int
    wave: int | None
    waves: int
    failed: list[str]
    skipped: int


def progress_of(step: Step) -> HostProgress:
    """Return how far a step with hosts is."""
    targets = step.targets
    return HostProgress(
        ended=sum(target.state in ENDED for target in targets),
        total=len(targets),
        wave=wave_under_way(step),
        waves=targets[-1].wave,
        failed=[target.host for target in targets if target.state in FAILURES],
        skipped=sum(target.state is _S.SKIPPED for target in targets),
    )


def wave_under_way(step: Step) -> int | None:
    """Return the number of the wave that runs, or that would run if the step did not wait; None if there is none."""
    if not is_under_way(step):
        return None
    return next((target.wave for target in step.targets if target.state not in ENDED), None)


def sizes_of_waves(targets: Sequence[Target]) -> list[int]:
    """Return how many hosts each wave has."""
    return [sum(1 for _ in wave) for _, wave in groupby(targets, key=lambda target: target.wave)]


def urgent_first(targets: Iterable[Target]) -> list[Target]:
    """Return the hosts with those first that somebody has to look at, otherwise in their order."""
    return sorted(targets, key=lambda target: URGENCY.index(target.state))


def failed_first(targets: Iterable[Target]) -> list[Target]:
    """Return the hosts with those first on which the step failed or that ask for somebody, otherwise in their order."""
    return sorted(targets, key=lambda target: 0 if target.state in FAILURES else 1 + (target.state is not _S.WAITING))


def can_retry_by_host(steps: Iterable[Step]) -> bool:
    """Return whether a retry on the failed hosts alone differs from a retry on all: a step succeeded on some of its
    hosts only."""
    return any(len({target.state is _S.SUCCEEDED for target in step.targets}) == 2 for step in steps)


def most_relevant(targets: Sequence[Target]) -> Target:
    """Return the host whose log is worth looking at first."""
    first = urgent_first(targets)[0]
    begun = [target for target in targets if target.started_at is not None]
    if first.state in URGENCY[:5] or not begun:
        return first
    return max(begun, key=lambda target: target.started_at or "")


def counts_of(targets: Iterable[Target]) -> list[tuple[StepState, int]]:
    """Return how many hosts are in each state, the most urgent state first."""
    counts = Counter(target.state for target in targets)
    return [(state, counts[state]) for state in URGENCY if counts[state]]
