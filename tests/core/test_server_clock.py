"""The clock of a server, which nobody can set, and the ends of polls that follow it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from livewall.clock import ServerClock, iso, later
from livewall.voting.deadlines import Deadlines

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Machine:
    """A wall clock that can be set, a stopwatch that cannot, and timers on the latter; a machine may sleep."""

    def __init__(self) -> None:
        self.set_by = timedelta()
        self.seconds = 1000.0
        self.awake = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def wall(self) -> datetime:
        return NOON + self.set_by + timedelta(seconds=self.seconds - 1000)

    def call_later(self, delay: float, call: Callable[[], None]) -> Machine:
        self.timers.append((self.awake + delay, call))
        return self

    def cancel(self) -> None:
        self.timers.clear()

    def sleep(self, seconds: float) -> None:
        """As a laptop does whose lid is closed: timers stand still."""
        self.seconds += seconds

    def pass_by(self, seconds: float) -> None:
        end = self.awake + seconds
        while self.timers and min(self.timers, key=lambda timer: timer[0])[0] <= end:
            due, call = min(self.timers, key=lambda timer: timer[0])
            self.timers.remove((due, call))
            self.seconds += due - self.awake
            self.awake = due
            call()
        self.seconds += end - self.awake
        self.awake = end


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> ServerClock:
    return ServerClock(machine.wall, lambda: machine.seconds)


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_a_clock_that_is_set_does_not_move_that_of_the_server(machine: Machine, clock: ServerClock, hours: int) -> None:
    assert clock() == NOON
    machine.pass_by(90)
    machine.set_by = timedelta(hours=hours)
    machine.pass_by(90)
    assert iso(clock()) == later(NOON, 180)
    assert clock.step() == pytest.approx(hours * 3600) and clock.step() is None, "said once"
    assert ServerClock(machine.wall, lambda: machine.seconds)() == machine.wall(), "the next start takes it"


def test_a_clock_on_which_nothing_hangs_takes_the_time_that_was_set(machine: Machine) -> None:
    held = True
    clock = ServerClock(machine.wall, lambda: machine.seconds, lambda: held)
    machine.set_by = timedelta(hours=1)
    machine.pass_by(10)
    assert iso(clock()) == later(NOON, 10) and clock.step() == pytest.approx(3600)
    held = False
    assert clock() == machine.wall() and clock.step() is None
    machine.set_by = timedelta(hours=-5)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(clock).result() == NOON + timedelta(hours=1, seconds=10), "only the loop may look"
    assert clock() == machine.wall()


def test_a_clock_that_is_slewed_is_no_step(machine: Machine, clock: ServerClock) -> None:
    machine.set_by = timedelta(seconds=1.5)
    assert clock.step() is None
    machine.set_by = timedelta(seconds=5)
    assert clock.step() == pytest.approx(5)
    machine.set_by = timedelta()
    assert clock.step() is None
    machine.set_by = timedelta(seconds=-5)
    assert clock.step() == pytest.approx(-5)


@pytest.mark.parametrize("hours", [-24, -1, 0, 1, 24])
def test_a_poll_ends_after_its_time_whatever_becomes_of_the_wall_clock(
    machine: Machine, clock: ServerClock, hours: int
) -> None:
    due: list[str] = []
    deadlines = Deadlines(clock, machine.call_later)
    deadlines.set("p", later(clock(), 60), due.append)
    machine.pass_by(30)
    machine.set_by = timedelta(hours=hours)
    machine.pass_by(29.9)
    assert not due
    machine.pass_by(0.2)
    assert due == ["p"]


def test_a_poll_whose_end_comes_while_the_machine_sleeps_ends_when_it_wakes(
    machine: Machine, clock: ServerClock
) -> None:
    due: list[str] = []
    deadlines = Deadlines(clock, machine.call_later)
    deadlines.set("p", later(clock(), 600), due.append)
    machine.pass_by(10)
    machine.sleep(3600)
    assert clock() == machine.wall(), "a machine that slept has the right time"
    machine.pass_by(2.1)
    assert due == ["p"]
