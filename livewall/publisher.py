"""The publication of numbers that move, such as a tally: the first change at once, then at most `rate` times a second,
the last state always.

Where fan-out would take more than its share of the loop, the rate falls, down to once a second. Time comes from `clock`
(monotonic seconds) and `call_later`, which are passed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from livewall.clock import Clock, iso
from livewall.errors import LivewallError, NotFound
from livewall.store.transaction import Transaction, Write

SHARE = 0.3
SLOWEST = 1.0
RETRY = 1.0


def next_publication(*, last: float, now: float, rate: float, debt: float) -> float:
    """Return when what changed at `now` may be published.

    `debt` is the number of seconds of fan-out beyond its share that no pause has paid for yet.
    """
    due = max(now, last + 1 / rate)
    if debt > 0:
        due = max(due, min(now + debt / SHARE, last + SLOWEST))
    return due


class Budget:
    """The fan-out done beyond its share of the loop: it rises by the time of each publication and falls as time
    passes."""

    def __init__(self) -> None:
        self._debt = 0.0
        self._at = 0.0

    def spend(self, seconds: float, now: float) -> None:
        self._debt = self.debt(now) + seconds
        self._at = now

    def debt(self, now: float) -> float:
        return max(0.0, self._debt - SHARE * (now - self._at))


class _Moving:
    __slots__ = ("again", "busy", "last", "waiting")

    def __init__(self) -> None:
        self.last = -math.inf
        self.waiting = False
        self.busy = False
        self.again = False


class Publisher:
    """Publishes what moves of many subjects (polls, or walls with questions), each by its id.

    `publish(tx, subject, now)` appends the events of a subject, unless they were published already. It raises NotFound
    for one that is gone.
    """

    def __init__(
        self,
        submit: Callable[[Write, Callable[[Any, BaseException | None], None]], None],
        publish: Callable[[Transaction, str, str], None],
        *,
        rate: float,
        budget: Budget,
        clock: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Any],
        wall_clock: Clock,
    ) -> None:
        self._submit = submit
        self._write = publish
        self._rate = rate
        self._budget = budget
        self._clock = clock
        self._call_later = call_later
        self._wall_clock = wall_clock
        self._subjects: dict[str, _Moving] = {}

    def changed(self, subject: str) -> None:
        """Note that the numbers of a subject differ from those last published."""
        moving = self._subjects.get(subject)
        if moving is None:
            self._forget_still()
            moving = self._subjects[subject] = _Moving()
        if moving.waiting:
            return
        if moving.busy:
            moving.again = True
            return
        self._plan(subject, moving)

    def _plan(self, subject: str, moving: _Moving) -> None:
        now = self._clock()
        due = next_publication(last=moving.last, now=now, rate=self._rate, debt=self._budget.debt(now))
        if due <= now:
            self._publish(subject)
        else:
            moving.waiting = True
            self._call_later(due - now, lambda: self._publish(subject))

    def _publish(self, subject: str) -> None:
        moving = self._subjects[subject]
        moving.waiting, moving.again = False, False
        moving.busy = True
        moving.last = self._clock()

        def write(tx: Transaction) -> None:
            self._write(tx, subject, iso(self._wall_clock()))

        def done(_: Any, error: BaseException | None) -> None:
            moving.busy = False
            if isinstance(error, NotFound):
                return
            if error is not None:
                moving.waiting = True
                self._call_later(RETRY, lambda: self._publish(subject))
            elif moving.again:
                self._plan(subject, moving)

        try:
            self._submit(write, done)
        except LivewallError:  # the server is stopping: its next start publishes the change
            moving.busy = False

    def _forget_still(self) -> None:
        if len(self._subjects) >= 1000:
            now = self._clock()
            self._subjects = {
                subject: m for subject, m in self._subjects.items() if m.busy or m.waiting or now - m.last < SLOWEST
            }
