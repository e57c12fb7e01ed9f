"""The queue of tasks that run here: first come, first served, up to the limits of the server and of each pipeline.
Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Waiting(NamedTuple):
    """A task that waits for its turn. One that has `begun`, and goes on after a decision, counts as running already."""

    task: str
    pipeline: str
    concurrency: int | None
    begun: bool = False


def admit(
    waiting: Iterable[Waiting], running: Mapping[str, int], *, workers: int, free: int
) -> tuple[list[str], dict[str, str]]:
    """Return the tasks that may start or go on now, and for each of the others the reason why it waits.

    `waiting` is in the order of their turns, `running` counts the tasks of each pipeline that have begun, and `free` of
    the places of the `workers` are free. A task that waits for its own pipeline does not hold up tasks of another one.
    """
    running_now = Counter(running)
    admitted: list[str] = []
    reasons: dict[str, str] = {}
    for task, pipeline, concurrency, begun in waiting:
        if concurrency is not None and running_now[pipeline] >= concurrency:
            reasons[task] = f"waits for its turn: {pipeline} runs {_tasks(concurrency)} at a time"
        elif free <= 0:
            reasons[task] = turn(workers)
        else:
            admitted.append(task)
            running_now[pipeline] += not begun
            free -= 1
    return admitted, reasons


def turn(workers: int) -> str:
    """Return the reason of a task that waits for one of the server's places."""
    return f"waits for its turn: this server runs {_tasks(workers)} at a time"


def _tasks(number: int) -> str:
    return "one task" if number == 1 else f"{number} tasks"
