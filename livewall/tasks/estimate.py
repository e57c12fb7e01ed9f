"""When steps and a task are expected to end, from how long earlier runs took. Pure; times in seconds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from graphlib import TopologicalSorter

import msgspec

from livewall.tasks.machine import ENDED, StepState

MIN_RUNS = 3
"""The number of runs that an estimate needs."""


class StepTiming(msgspec.Struct, frozen=True):
    """The state of a step; `duration` is how long it usually takes, or None if that is not known."""

    name: str
    needs: Sequence[str]
    state: StepState
    started_at: float | None
    ended_at: float | None
    duration: float | None


class ExpectedEnds(msgspec.Struct, frozen=True):
    """Expected ends: None for what has ended or has no estimate. A time in the past means overdue."""

    steps: dict[str, float | None]
    task: float | None


def median(durations: Sequence[float]) -> float | None:
    """Return the median duration, or None for fewer than three runs."""
    return statistics.median(durations) if len(durations) >= MIN_RUNS else None


def expected_ends(steps: Sequence[StepTiming], now: float) -> ExpectedEnds:
    """Return the expected ends along the longest path. The needs must be steps, and free of cycles."""
    by_name = {step.name: step for step in steps}
    expected: dict[str, float | None] = {}
    available: dict[str, float | None] = {}  # when the steps that need this one may start
    for name in TopologicalSorter({step.name: step.needs for step in steps}).static_order():
        step = by_name[name]
        if step.state in ENDED:
            expected[name], available[name] = None, now
            continue
        end = _end(step, [available[need] for need in step.needs], now)
        expected[name] = end
        available[name] = None if end is None else max(end, now)
    unfinished = [expected[step.name] for step in steps if step.state not in ENDED]
    known = [end for end in unfinished if end is not None]
    return ExpectedEnds(expected, max(known) if known and len(known) == len(unfinished) else None)


def _end(step: StepTiming, needs: Sequence[float | None], now: float) -> float | None:
    if step.duration is None:
        return None
    if step.state is StepState.RUNNING:
        return (now if step.started_at is None else step.started_at) + step.duration
    if step.state is StepState.RETRYING:  # it starts from the beginning again
        return now + step.duration
    start = now
    for need in needs:
        if need is None:
            return None
        start = max(start, need)
    return start + step.duration
