"""The leases of foreign tasks, in memory: when each was renewed, and one timer for each task.

Times are monotonic, so that setting the clock ends no lease. A transaction decides what follows from a lease that ran
out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec

from livewall.tasks.lease_deadlines import Lease, Promise, Promises

BUSY_SECONDS = 1.0
"""Seconds after which a task is checked again if reports about it still wait for the database."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class Leases:
    """Calls `check(task)` when a lease of a task may have run out; `promises` returns the leases of a task."""

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], Timer],
        monotonic: Callable[[], float],
        check: Callable[[str], None],
    ) -> None:
        self._call_later = call_later
        self._now = monotonic
        self._check = check
        self._promises: dict[str, Promises] = {}
        self._timers: dict[str, Timer] = {}
        self._hearing: Counter[tuple[str, str]] = Counter()
        """How many reports about each step wait for the database."""

    @contextmanager
    def hearing(self, task: str, step: str) -> Iterator[None]:
        """Keep the lease of a step from running out while a report about it waits for the database."""
        self._hearing[task, step] += 1
        try:
            yield
        finally:
            self._hearing[task, step] -= 1
            if not self._hearing[task, step]:
                del self._hearing[task, step]

    def renew(
        self,
        task: str,
        step: str,
        credential: str,
        about_step: Lease | None,
        about_task: Lease | None,
        *,
        pending: bool,
    ) -> None:
        """Renew the leases of the holder `credential` after a report about a step.

        The arguments are the leases that hold after the report; None means no lease, or that the step or task has
        ended. `pending` says that the step has not begun.
        """
        promises = self._promises.setdefault(task, Promises())
        promises.pending.add(step) if pending else promises.pending.discard(step)
        if about_step is None:
            promises.steps.pop(step, None)
        elif about_step.held_by(credential) or step not in promises.steps:
            promises.steps[step] = Promise(about_step, self._now())
        if about_task is None:
            promises.task = None
        elif about_task.held_by(credential) or promises.task is None:
            promises.task = Promise(about_task, self._now())
        if promises.steps or promises.task:
            self.watch(task)
        else:
            self.drop(task)

    def resume(self, task: str, step: str | None, lease: Lease, left: float, *, pending: bool = False) -> None:
        """Resume a lease with `left` seconds left, of a step or (None) of the task."""
        promises = self._promises.setdefault(task, Promises())
        promise = Promise(lease, self._now() - lease.seconds + left)
        if step is None:
            promises.task = promise
        else:
            promises.steps[step] = promise
            if pending:
                promises.pending.add(step)
        self.watch(task)

    def drop(self, task: str) -> None:
        """Forget a task: it has ended, or no longer has leases."""
        self._promises.pop(task, None)
        self._stop(task)

    def promises(self, task: str) -> tuple[Promises, bool]:
        """Return the leases of a task, and whether reports about it wait for the database.

        Waiting reports count as received now.
        """
        promises = self._promises.get(task, Promises())
        busy = {step for other, step in self._hearing if other == task}
        now = self._now()
        steps = {
            step: msgspec.structs.replace(promise, renewed_at=now) if step in busy else promise
            for step, promise in promises.steps.items()
        }
        task_promise = promises.task
        if busy and task_promise is not None:
            task_promise = msgspec.structs.replace(task_promise, renewed_at=now)
        return Promises(steps, set(promises.pending), task_promise), bool(busy)

    def checked(self, task: str, steps: Collection[str], again: float | None) -> None:
        """Note the result of a check: only the leases of these steps still matter, and `again` is the time of the next
        check.
        """
        promises = self._promises.get(task)
        if promises is None:
            return
        for step in [step for step in promises.steps if step not in steps]:
            del promises.steps[step]
        if again is not None and task not in self._timers:  # a report that arrived meanwhile has set the timer
            self.watch(task, again)

    def watch(self, task: str, at: float | None = None) -> None:
        """Check a task at the monotonic time `at`, or when its first lease may run out."""
        self._stop(task)
        promises = self._promises.get(task)
        when = at if at is not None else promises.first() if promises is not None else None
        if when is not None:
            self._timers[task] = self._call_later(max(0.0, when - self._now()), lambda: self._timed_out(task))

    def _timed_out(self, task: str) -> None:
        del self._timers[task]
        self._check(task)

    def _stop(self, task: str) -> None:
        timer = self._timers.pop(task, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def __len__(self) -> int:
        """Return how many tasks have a timer."""
        return len(self._timers)
