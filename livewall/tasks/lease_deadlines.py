"""When the lease of a reporter runs out, and which steps are lost then. Pure.

A report about a step, or a part of its log, renews its lease. While a step has not begun, any report about its task
does. Between two steps, when none is under way, the last lease holds for the task. Times are monotonic, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from livewall.tasks.machine import UNDER_WAY, Step, StepState, ready


class Lease(NamedTuple):
    """The promise of `holder` to report again within so many seconds. The holder None stands for any reporter."""

    holder: str | None
    seconds: float

    def held_by(self, credential: str) -> bool:
        return self.holder in (None, credential)


class Promise(msgspec.Struct, frozen=True):
    """A lease, and when it was renewed last."""

    lease: Lease
    renewed_at: float

    @property
    def until(self) -> float:
        return self.renewed_at + self.lease.seconds


class Promises(msgspec.Struct):
    """The leases of one task: of its steps, some of which are `pending`, and of the task as a whole."""

    steps: dict[str, Promise] = {}
    pending: set[str] = set()
    task: Promise | None = None

    def until(self, step: str, *, pending: bool) -> float:
        """Return when the lease of a step runs out."""
        promise = self.steps[step]
        if pending and self.task is not None and self.task.lease.holder == promise.lease.holder:
            return max(promise.renewed_at, self.task.renewed_at) + promise.lease.seconds
        return promise.until

    def first(self) -> float | None:
        """Return the earliest time at which a lease may run out, or None."""
        times = [self.until(step, pending=step in self.pending) for step in self.steps]
        return min([*times, self.task.until] if self.task else times, default=None)


class Deadline(NamedTuple):
    """The step is lost at the time `at`, for `reason`, unless it is reported before."""

    step: Step
    at: float
    reason: str


def deadlines(steps: Sequence[Step], promises: Promises) -> Iterator[Deadline]:
    """Yield when steps are lost. A step may occur twice; the earlier deadline counts."""
    for step in steps:
        pending = step.state is StepState.PENDING
        if step.name in promises.steps and (pending or step.state in UNDER_WAY):
            seconds = promises.steps[step.name].lease.seconds
            until = promises.until(step.name, pending=pending)
            yield Deadline(step, until, f"nothing was reported of it for {seconds:g} s")
    if promises.task is not None and not any(step.state in UNDER_WAY for step in steps):
        seconds = promises.task.lease.seconds
        for step in ready(steps):
            yield Deadline(step, promises.task.until, f"nothing was reported of this task for {seconds:g} s")


START_GRACE = 10.0
"""Seconds that a reporter has at least, after a start of the server, to report again."""


def left_at_start(lease: float, since_renewal: float, resumed: float | None, unwritten: float) -> tuple[float, bool]:
    """Return how many seconds of a lease are left when a server starts, and whether it starts again.

    By the wall clock, the last stored renewal was `since_renewal` seconds ago; a renewal up to `unwritten` seconds
    later need not have been stored. A lease that ran out while no server was running starts again. If it did so
    already, `resumed` seconds ago, and has not been renewed since, it does not do so twice. The clock may have been
    set, so the result is never longer than the lease.
    """
    if resumed is not None and resumed <= since_renewal:
        return min(lease, max(0.0, lease - resumed)), False
    left = lease - since_renewal
    if left <= 0:
        return lease, True
    return min(lease, max(left + unwritten, min(START_GRACE, lease / 2))), False
