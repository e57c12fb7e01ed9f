"""The leases of tasks that are reported from elsewhere, in memory: who was heard of when, and one timer a task.

Time is monotonic, so a clock that is set takes nobody's lease. What a silence means is decided in a transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec

from livewall.tasks.lease_deadlines import Lease, Promise, Promises

BUSY = 1.0
"""Seconds after which a task is looked at again whose reports still wait for the database."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class Leases:
    """Calls `look(task)` when a promise about a task may be broken; `promises` tells which there are."""

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], Timer],
        monotonic: Callable[[], float],
        look: Callable[[str], None],
    ) -> None:
        self._call_later = call_later
        self._now = monotonic
        self._look = look
        self._held: dict[str, Promises] = {}
        self._timers: dict[str, Timer] = {}
        self._hearing: Counter[tuple[str, str]] = Counter()
        """Reports that wait for the database, by the step."""

    @contextmanager
    def hearing(self, task: str, step: str) -> Iterator[None]:
        """While something about a step has come and is not written yet, its lease does not run out."""
        self._hearing[task, step] += 1
        try:
            yield
        finally:
            self._hearing[task, step] -= 1
            if not self._hearing[task, step]:
                del self._hearing[task, step]

    def heard(
        self, task: str, step: str, who: str, about_step: Lease | None, about_task: Lease | None, *, pending: bool
    ) -> None:
        """`who` was heard of now, by a report about a step. The leases are those that hold after it; None: there is no
        lease, or what had one has ended. `pending`: the step has not begun."""
        held = self._held.setdefault(task, Promises())
        held.pending.add(step) if pending else held.pending.discard(step)
        if about_step is None:
            held.steps.pop(step, None)
        elif about_step.held_by(who) or step not in held.steps:
            held.steps[step] = Promise(about_step, self._now())
        if about_task is None:
            held.task = None
        elif about_task.held_by(who) or held.task is None:
            held.task = Promise(about_task, self._now())
        if held.steps or held.task:
            self.watch(task)
        else:
            self.drop(task)

    def resume(self, task: str, step: str | None, lease: Lease, left: float, *, pending: bool = False) -> None:
        """Take up a lease of which `left` seconds are left, of a step or (None) of the task."""
        held = self._held.setdefault(task, Promises())
        promise = Promise(lease, self._now() - lease.seconds + left)
        if step is None:
            held.task = promise
        else:
            held.steps[step] = promise
            if pending:
                held.pending.add(step)
        self.watch(task)

    def drop(self, task: str) -> None:
        """The task has ended, or nothing is promised about it any more."""
        self._held.pop(task, None)
        self._stop(task)

    def promises(self, task: str) -> tuple[Promises, bool]:
        """What is promised about a task, and whether reports of it wait for the database: they count as heard just
        now."""
        held = self._held.get(task, Promises())
        busy = {step for other, step in self._hearing if other == task}
        now = self._now()
        steps = {
            step: msgspec.structs.replace(promise, heard=now) if step in busy else promise
            for step, promise in held.steps.items()
        }
        whole = msgspec.structs.replace(held.task, heard=now) if busy and held.task else held.task
        return Promises(steps, set(held.pending), whole), bool(busy)

    def looked(self, task: str, steps: Collection[str], again: float | None) -> None:
        """A look at a task found that only the leases of these steps still matter, and wants another one then."""
        held = self._held.get(task)
        if held is None:
            return
        for step in [step for step in held.steps if step not in steps]:
            del held.steps[step]
        if again is not None and task not in self._timers:  # a report since then knows better
            self.watch(task, again)

    def watch(self, task: str, at: float | None = None) -> None:
        """Look at a task at a monotonic time, or when its first promise may be broken."""
        self._stop(task)
        held = self._held.get(task)
        when = at if at is not None else held.first() if held is not None else None
        if when is not None:
            self._timers[task] = self._call_later(max(0.0, when - self._now()), lambda: self._over(task))

    def _over(self, task: str) -> None:
        del self._timers[task]
        self._look(task)

    def _stop(self, task: str) -> None:
        timer = self._timers.pop(task, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def __len__(self) -> int:
        """How many tasks are watched."""
        return len(self._timers)
