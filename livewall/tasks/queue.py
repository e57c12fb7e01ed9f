"""The queue of tasks that run here: first come, first served, up to the limits of the server and of each pipeline.
Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Waiting(NamedTuple):
    task: str
    pipeline: str
    concurrency: int | None


def admit(
    waiting: Iterable[Waiting], running: Mapping[str, int], *, workers: int, idle: int = 0
) -> tuple[list[str], dict[str, str]]:
    """Return the tasks that may start now, and for each of the others the reason why it waits.

    `waiting` is in order of arrival, `running` counts the running tasks of each pipeline, and `workers` limits how many
    run at once. `idle` of the running tasks wait for a decision, so they take no place. A task that waits for its own
    pipeline does not hold up tasks of another one.
    """
    running_now = Counter(running)
    free = workers - (running_now.total() - idle)
    admitted: list[str] = []
    reasons: dict[str, str] = {}
    for task, pipeline, concurrency in waiting:
        if concurrency is not None and running_now[pipeline] >= concurrency:
            reasons[task] = f"waits for its turn: {pipeline} runs {_tasks(concurrency)} at a time"
        elif free <= 0:
            reasons[task] = f"waits for its turn: this server runs {_tasks(workers)} at a time"
        else:
            admitted.append(task)
            running_now[pipeline] += 1
            free -= 1
    return admitted, reasons


def _tasks(number: int) -> str:
    return "one task" if number == 1 else f"{number} tasks"
