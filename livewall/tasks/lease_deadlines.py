"""When a reporter that promised to be heard of has been silent for too long, and which steps are lost by it. Pure.

A lease holds for its step from one report about it, or piece of its log, to the next. While a step has not begun, any
report on its task counts. Between two steps, when none is under way, the last promise holds for the task as a whole.
Times are seconds of the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from livewall.tasks.machine import UNDER_WAY, Step, StepState, ready


class Lease(NamedTuple):
    """`holder` (None: whoever reports) promised to be heard of again within so many seconds."""

    holder: str | None
    seconds: float

    def held_by(self, credential: str) -> bool:
        return self.holder in (None, credential)


class Promise(msgspec.Struct, frozen=True):
    """A lease, and when its holder was heard of last."""

    lease: Lease
    heard: float

    @property
    def until(self) -> float:
        return self.heard + self.lease.seconds


class Promises(msgspec.Struct):
    """What was promised about one task: about its steps, those that are `pending` among them, and about all of it."""

    steps: dict[str, Promise] = {}
    pending: set[str] = set()
    task: Promise | None = None

    def until(self, step: str, *, pending: bool) -> float:
        """When the promise about a step is broken."""
        promise = self.steps[step]
        if pending and self.task is not None and self.task.lease.holder == promise.lease.holder:
            return max(promise.heard, self.task.heard) + promise.lease.seconds
        return promise.until

    def first(self) -> float | None:
        """The earliest time at which a promise may be broken."""
        times = [self.until(step, pending=step in self.pending) for step in self.steps]
        return min([*times, self.task.until] if self.task else times, default=None)


class Deadline(NamedTuple):
    """The step is lost at `at` for the reason `why` unless something is heard of it before."""

    step: Step
    at: float
    why: str


def deadlines(steps: Sequence[Step], promises: Promises) -> Iterator[Deadline]:
    """Yield when steps are lost; a step may be named twice, and the earlier time counts."""
    for step in steps:
        pending = step.state is StepState.PENDING
        if step.name in promises.steps and (pending or step.state in UNDER_WAY):
            seconds = promises.steps[step.name].lease.seconds
            until = promises.until(step.name, pending=pending)
            yield Deadline(step, until, f"nothing was heard of it for {seconds:g} s")
    if promises.task is not None and not any(step.state in UNDER_WAY for step in steps):
        seconds = promises.task.lease.seconds
        for step in ready(steps):
            yield Deadline(step, promises.task.until, f"nothing was heard of this task for {seconds:g} s")


GRACE = 10.0
"""Seconds, at least, in which whoever could not reach the server while it was away can report again."""


def left_at_start(lease: float, heard: float, resumed: float | None, unwritten: float) -> tuple[float, bool]:
    """Return how many seconds of a lease are left when a server starts, and whether it begins once more.

    By the wall clock its holder was heard of `heard` seconds ago, as far as that was written: up to `unwritten` seconds
    later it may have been heard of without that. A lease that ran out while no server could hear anybody begins once
    more; if it did that already, `resumed` seconds ago, and nothing was heard since, that holds. Clocks may have been
    set meanwhile: nothing is left longer than the lease.
    """
    if resumed is not None and resumed <= heard:
        return min(lease, max(0.0, lease - resumed)), False
    left = lease - heard
    if left <= 0:
        return lease, True
    return min(lease, max(left + unwritten, min(GRACE, lease / 2))), False
