"""When steps and a task are expected to end, from how long earlier runs took. Pure; times in seconds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from graphlib import TopologicalSorter

import msgspec

from livewall.tasks.machine import ENDED, StepState

FEWEST = 3
"""Runs that an estimate needs."""


class StepFacts(msgspec.Struct, frozen=True):
    """A step as it stands; `usual` is how long it takes, None where nobody knows."""

    name: str
    needs: Sequence[str]
    state: StepState
    started_at: float | None
    ended_at: float | None
    usual: float | None


class Ends(msgspec.Struct, frozen=True):
    """Expected ends; None for what has ended, and where there is no estimate. One in the past is overdue."""

    steps: dict[str, float | None]
    task: float | None


def median(durations: Sequence[float]) -> float | None:
    """How long it usually takes; None under three runs."""
    return statistics.median(durations) if len(durations) >= FEWEST else None


def ends(steps: Sequence[StepFacts], now: float) -> Ends:
    """The expected ends along the longest path, of steps with needs that are steps and go round in no circle."""
    facts = {step.name: step for step in steps}
    expected: dict[str, float | None] = {}
    free: dict[str, float | None] = {}  # from when what needs a step may run
    for name in TopologicalSorter({step.name: step.needs for step in steps}).static_order():
        step = facts[name]
        if step.state in ENDED:
            expected[name], free[name] = None, now
            continue
        end = _end(step, [free[need] for need in step.needs], now)
        expected[name] = end
        free[name] = None if end is None else max(end, now)
    unfinished = [expected[step.name] for step in steps if step.state not in ENDED]
    known = [end for end in unfinished if end is not None]
    return Ends(expected, max(known) if known and len(known) == len(unfinished) else None)


def _end(step: StepFacts, needs: Sequence[float | None], now: float) -> float | None:
    if step.usual is None:
        return None
    if step.state is StepState.RUNNING:
        return (now if step.started_at is None else step.started_at) + step.usual
    if step.state is StepState.RETRYING:  # the whole of it once more
        return now + step.usual
    start = now
    for need in needs:
        if need is None:
            return None
        start = max(start, need)
    return start + step.usual
