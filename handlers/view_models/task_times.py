"""The times of tasks and steps, as a live page shows them: static/js/task/timing.js and static/js/ui/timestamps.js."""

from __future__ import annotations

from datetime import datetime

from livewall.durations import format_duration
from livewall.tasks.machine import Step, has_ended
from livewall.tasks.rows import Task


def format_timestamp(at: str, *, exact: bool = False) -> str:
    """Return a time in UTC, to the minute or, with `exact`, to the second. Scripts rewrite it in the reader's zone."""
    return f"{at[: 19 if exact else 16].replace('T', ' ')} UTC"


def format_short_timestamp(at: str, now: str) -> str:
    """Return a time in UTC, without its date if it is today's."""
    return f"{at[11:16]} UTC" if at[:10] == now[:10] else format_timestamp(at)


def elapsed_seconds(timed: Task | Step, now: datetime) -> float:
    """Return how long a task or step took, or has taken up to now; 0 before its start."""
    if not timed.started_at:
        return 0.0
    end = datetime.fromisoformat(timed.ended_at) if timed.ended_at else now
    return (end - datetime.fromisoformat(timed.started_at)).total_seconds()


def elapsed_text(timed: Task | Step, now: datetime) -> str:
    """Return how long a task or step took as text, which is empty before its start."""
    return format_duration(elapsed_seconds(timed, now)) if timed.started_at else ""


def forecast(timed: Task | Step, now: datetime) -> tuple[str, str]:
    """Return "ended", "none" (there is no estimate), "left" or "overdue", and for the last two the duration."""
    if has_ended(timed.state):
        return "ended", ""
    if not timed.eta:
        return "none", ""
    left = (datetime.fromisoformat(timed.eta) - now).total_seconds()
    return ("overdue" if left < 0 else "left"), format_duration(abs(left))
