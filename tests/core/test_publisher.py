"""When a tally is published; time is an argument."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from livewall.publisher import SHARE, SLOWEST, Budget, Publisher, next_publication


def test_the_first_change_is_published_at_once() -> None:
    assert next_publication(last=-math.inf, now=0.0, rate=0.01, debt=1) == 0.0


def test_the_next_waits_for_the_rate() -> None:
    assert next_publication(last=5.0, now=5.01, rate=20, debt=0) == pytest.approx(5.05)


def test_fan_out_beyond_its_share_slows_publication_but_never_beyond_a_second() -> None:
    assert next_publication(last=5.0, now=5.1, rate=20, debt=0.06) == pytest.approx(5.3)
    assert next_publication(last=5.0, now=5.1, rate=20, debt=9.0) == 5.0 + SLOWEST


def test_debt_falls_with_time() -> None:
    budget = Budget()
    budget.spend(0.3, 10.0)
    assert budget.debt(10.5) == pytest.approx(0.3 - SHARE * 0.5)
    assert budget.debt(12.0) == 0.0


class Bench:
    """A publisher with a clock and timers in hand, and a store that answers when told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.writes: list[Callable[[Any, BaseException | None], None]] = []
        self.publisher = Publisher(
            lambda write, done: self.writes.append(done),
            lambda tx, subject, now: None,
            rate=20,
            budget=Budget(),
            clock=lambda: self.now,
            call_later=lambda delay, call: self.timers.append((self.now + delay, call)),
            wall_clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        )

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due = [t for t in self.timers if t[0] <= self.now + 1e-9]
        self.timers = [t for t in self.timers if t not in due]
        for _, call in due:
            call()

    def commit(self, error: BaseException | None = None) -> None:
        self.writes.pop(0)(None, error)


def test_the_first_change_is_published_at_once_on_a_machine_that_has_just_started() -> None:
    bench = Bench()
    bench.now = 0.0
    bench.publisher.changed("p")
    assert len(bench.writes) == 1


def test_a_hundred_ballots_at_once_make_two_publications() -> None:
    bench = Bench()
    for _ in range(100):
        bench.publisher.changed("p")
    assert len(bench.writes) == 1
    bench.commit()
    assert not bench.writes and len(bench.timers) == 1
    bench.pass_time(0.05)
    bench.commit()
    bench.pass_time(1)
    assert not bench.writes and not bench.timers


def test_at_most_twenty_a_second_however_many_move() -> None:
    bench = Bench()
    written = 0
    for _ in range(1000):
        bench.publisher.changed("p")
        if bench.writes:
            written += 1
            bench.commit()
        bench.pass_time(0.001)
    assert 19 <= written <= 21


def test_a_publication_that_failed_is_tried_again() -> None:
    bench = Bench()
    bench.publisher.changed("p")
    bench.commit(OSError("disk full"))
    assert not bench.writes
    bench.pass_time(1.0)
    assert len(bench.writes) == 1


def test_polls_do_not_wait_for_each_other() -> None:
    bench = Bench()
    for name in "abc":
        bench.publisher.changed(name)
    assert len(bench.writes) == 3
