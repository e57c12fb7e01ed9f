"""What follows when the wall clock of the machine is set: the beginnings and expected ends of what is under way move
with it, so that "running for" and "took" stay what a stopwatch would say. Knows no clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from livewall.clock import Clock, iso, later, moment
from livewall.errors import LivewallError
from livewall.store.transaction import Transaction
from livewall.tasks import rows

LEAST = 1.0
"""Seconds by which a clock is set before anything moves. Slewing (NTP) moves both clocks alike."""


class Submit(Protocol):
    def __call__(
        self, write: Callable[[Transaction], Any], done: Callable[[Any, BaseException | None], None], /
    ) -> None: ...


class ClockSteps:
    """Notices steps of `clock` against `monotonic`, and writes what follows. To be used on the loop."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float], submit: Submit) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._submit = submit
        self._ahead = self._measured()

    def now(self) -> str:
        """The wall clock's time. A write that is queued after this finds beginnings that fit it."""
        self.look()
        return iso(self._clock())

    def look(self) -> None:
        """Queue what follows where the clock was set since the last look."""
        step = self._measured() - self._ahead
        if abs(step) < LEAST:
            return
        self._ahead += step

        def done(_: Any, error: BaseException | None) -> None:
            if error is not None:  # the next look tries again
                self._ahead -= step

        with suppress(LivewallError):  # the server stops
            self._submit(lambda tx: shift(tx, step), done)

    def _measured(self) -> float:
        return self._clock().timestamp() - self._monotonic()


def shift(tx: Transaction, seconds: float) -> None:
    """Move the times of what has not ended."""

    def moved(text: str | None) -> str | None:
        return None if text is None else later(moment(text), seconds)

    for (id,) in tx.all("SELECT id FROM tasks WHERE ended_at IS NULL"):
        for step in rows.steps(tx, id):
            if step.ended_at is None and (step.started_at or step.eta):
                begun = msgspec.structs.replace(step, started_at=moved(step.started_at), eta=moved(step.eta))
                rows.save_step(tx, id, begun)
        task = rows.find(tx, id).task
        if task.started_at or task.eta:
            rows.save_task(tx, msgspec.structs.replace(task, started_at=moved(task.started_at), eta=moved(task.eta)))
    _shift_deadlines(tx, moved)


def _shift_deadlines(tx: Transaction, moved: Callable[[str | None], str | None]) -> None:
    """Those that count at the next start."""
    for task, step, *times in tx.all(
        """SELECT task, name, heard_at, resumed_at, retry_at FROM steps
        WHERE ended_at IS NULL AND COALESCE(heard_at, resumed_at, retry_at) IS NOT NULL"""
    ):
        heard, resumed, retry = map(moved, times)
        tx.execute(
            """UPDATE steps SET heard_at = :heard, resumed_at = :resumed, retry_at = :retry
            WHERE task = :task AND name = :step""",
            {"heard": heard, "resumed": resumed, "retry": retry, "task": task, "step": step},
        )
    for task, *times in tx.all(
        "SELECT id, heard_at, resumed_at FROM tasks WHERE ended_at IS NULL AND heard_at IS NOT NULL"
    ):
        heard, resumed = map(moved, times)
        tx.execute(
            "UPDATE tasks SET heard_at = :heard, resumed_at = :resumed WHERE id = :task",
            {"heard": heard, "resumed": resumed, "task": task},
        )


def at_start(tx: Transaction, now: str) -> None:
    """What began in the future, as a clock that was set while no server ran has it, began now."""
    for (id,) in tx.all("SELECT id FROM tasks WHERE ended_at IS NULL"):
        for step in rows.steps(tx, id):
            if step.ended_at is None and step.started_at is not None and step.started_at > now:
                rows.save_step(tx, id, msgspec.structs.replace(step, started_at=now))
        task = rows.find(tx, id).task
        if task.started_at is not None and task.started_at > now:
            rows.save_task(tx, msgspec.structs.replace(task, started_at=now))
