"""Whose turn it is: tasks that run here wait while as many run as may, first come first served. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Waiting(NamedTuple):
    task: str
    pipeline: str
    concurrency: int | None


def turns(
    waiting: Iterable[Waiting], running: Mapping[str, int], *, workers: int
) -> tuple[list[str], dict[str, str]]:
    """The tasks whose turn it is now, and why each of the others waits.

    `waiting` in the order of coming, `running` how many tasks of each pipeline run, `workers` how many may run at
    once. A task that waits for others of its pipeline does not hold up those of another.
    """
    at_once = Counter(running)
    free = workers - at_once.total()
    begin: list[str] = []
    reasons: dict[str, str] = {}
    for task, pipeline, concurrency in waiting:
        if concurrency is not None and at_once[pipeline] >= concurrency:
            reasons[task] = f"waits for its turn: {pipeline} runs {_times(concurrency)} at a time"
        elif free <= 0:
            reasons[task] = f"waits for its turn: this server runs {_times(workers)} at a time"
        else:
            begin.append(task)
            at_once[pipeline] += 1
            free -= 1
    return begin, reasons


def _times(number: int) -> str:
    return "one task" if number == 1 else f"{number} tasks"
