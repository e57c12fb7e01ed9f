"""The publication of moving tallies: the first change at once, then at most `rate` times a second, the last state
always.

Where fan-out would take more than its share of the loop, the rate falls, down to once a second. Time comes from `clock`
(monotonic seconds) and `call_later`, which are passed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from livewall.clock import Clock, iso
from livewall.errors import LivewallError
from livewall.store.transaction import Transaction, Write
from livewall.voting import rows
from livewall.voting.counts import write_counts

SHARE = 0.3
SLOWEST = 1.0
RETRY = 1.0


def next_publication(*, last: float, now: float, rate: float, debt: float) -> float:
    """Return when a tally that changed at `now` may be published.

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


class TallyPublisher:
    def __init__(
        self,
        submit: Callable[[Write, Callable[[Any, BaseException | None], None]], None],
        *,
        rate: float,
        budget: Budget,
        clock: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Any],
        wall_clock: Clock,
    ) -> None:
        self._submit = submit
        self._rate = rate
        self._budget = budget
        self._clock = clock
        self._call_later = call_later
        self._wall_clock = wall_clock
        self._polls: dict[str, _Moving] = {}

    def changed(self, poll: str) -> None:
        """Note that the counts of a poll differ from those last published."""
        moving = self._polls.get(poll)
        if moving is None:
            self._forget_still()
            moving = self._polls[poll] = _Moving()
        if moving.waiting:
            return
        if moving.busy:
            moving.again = True
            return
        self._plan(poll, moving)

    def _plan(self, poll: str, moving: _Moving) -> None:
        now = self._clock()
        due = next_publication(last=moving.last, now=now, rate=self._rate, debt=self._budget.debt(now))
        if due <= now:
            self._publish(poll)
        else:
            moving.waiting = True
            self._call_later(due - now, lambda: self._publish(poll))

    def _publish(self, poll: str) -> None:
        moving = self._polls[poll]
        moving.waiting, moving.again = False, False
        moving.busy = True
        moving.last = self._clock()

        def write(tx: Transaction) -> None:
            publish_tally(tx, poll, iso(self._wall_clock()))

        def done(_: Any, error: BaseException | None) -> None:
            moving.busy = False
            if isinstance(error, LivewallError) and error.code == "no_such_poll":
                return
            if error is not None:
                moving.waiting = True
                self._call_later(RETRY, lambda: self._publish(poll))
            elif moving.again:
                self._plan(poll, moving)

        try:
            self._submit(write, done)
        except LivewallError:  # the server is stopping: its next start publishes the change
            moving.busy = False

    def _forget_still(self) -> None:
        if len(self._polls) >= 1000:
            now = self._clock()
            self._polls = {poll: m for poll, m in self._polls.items() if m.busy or m.waiting or now - m.last < SLOWEST}


def publish_tally(tx: Transaction, poll: str, now: str) -> None:
    """Append the tally as it is in this transaction, unless it was published already."""
    row = rows.held(tx, poll)
    published: dict[str, str] | None = tx.memo.get("published")
    if published is None:
        published = tx.memo["published"] = {}
        tx.before_commit(_fan_out)
    published[row.poll.id] = now


def _fan_out(tx: Transaction) -> None:
    write_counts(tx)
    for poll, now in tx.memo["published"].items():
        row = rows.held(tx, poll)
        if rows.changed_since_published(tx, row.poll):
            rows.append_tally_event(tx, row.poll, now)
