"""How long steps usually take, and when a task is expected to end; the times of a step as its supervisor measured
them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from livewall import wire
from livewall.clock import later, moment
from livewall.store.transaction import Transaction
from livewall.tasks import estimate
from livewall.tasks.machine import Step
from livewall.tasks.rows import TaskRow

MEASURE_TOLERANCE = 2.0
"""Seconds by which a step may take longer than its command: the supervisor has to start, and the log to be read."""
REMEMBERED_RUNS = 20
"""The number of runs from which the usual duration of a step is computed."""


def expected_end(tx: Transaction, row: TaskRow, steps: Sequence[Step], now: str) -> str | None:
    """Return when a task is expected to end, from the usual durations of its steps along the longest path."""
    usual = durations(tx, row.task.pipeline or "")
    if not usual:
        return None
    timings = [
        estimate.StepTiming(s.name, s.needs, s.state, _seconds(s.started_at), _seconds(s.ended_at), usual.get(s.name))
        for s in steps
    ]
    end = estimate.expected_ends(timings, moment(now).timestamp()).task
    return None if end is None else later(moment(now), end - moment(now).timestamp())


def with_measured_times(step: Step, seconds: float | None) -> Step:
    """Return an ended step with times that agree with the duration that its supervisor measured.

    The times of the wall clock are wrong if no server ran at the end of the step, or if the clock was set. The
    supervisor measures one attempt, so a step with several attempts is returned unchanged.
    """
    if seconds is None or step.attempt != 1 or step.started_at is None or step.ended_at is None:
        return step
    began, ended = moment(step.started_at), moment(step.ended_at)
    if abs((ended - began).total_seconds() - seconds) < MEASURE_TOLERANCE:
        return step
    end = later(began, seconds)
    if end <= step.ended_at:
        return msgspec.structs.replace(step, ended_at=end)
    return msgspec.structs.replace(step, started_at=later(ended, -seconds))


def durations(tx: Transaction, pipeline: str) -> dict[str, float]:
    """Return the usual duration in seconds of each step that has run often enough."""
    cached: dict[str, float] | None = tx.memo.get(("usual", pipeline))
    if cached is None:
        duration_rows = tx.all("SELECT step, seconds FROM usual WHERE pipeline = :pipeline", {"pipeline": pipeline})
        times = {step: estimate.median(msgspec.json.decode(text, type=list[float])) for step, text in duration_rows}
        cached = tx.memo["usual", pipeline] = {step: seconds for step, seconds in times.items() if seconds is not None}
    return cached


def record(tx: Transaction, pipeline: str, step: str, seconds: float) -> None:
    row = tx.one(
        "SELECT seconds FROM usual WHERE pipeline = :pipeline AND step = :step", {"pipeline": pipeline, "step": step}
    )
    runs = msgspec.json.decode(row[0], type=list[float]) if row else []
    tx.execute(
        """INSERT INTO usual (pipeline, step, seconds) VALUES (:pipeline, :step, :seconds)
        ON CONFLICT (pipeline, step) DO UPDATE SET seconds = excluded.seconds""",
        {"pipeline": pipeline, "step": step, "seconds": wire.text([*runs, round(seconds, 3)][-REMEMBERED_RUNS:])},
    )
    tx.memo.pop(("usual", pipeline), None)


def _seconds(text: str | None) -> float | None:
    return None if text is None else moment(text).timestamp()
