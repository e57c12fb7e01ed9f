"""How many codes to vote with are looked at, however many connections and voters guess from one address."""

from __future__ import annotations

import heapq

import pytest

from livewall.errors import Busy
from livewall.limits import LONGEST_TURN, Limits

BURST, RATE = 50, 20


def test_two_hundred_connections_with_a_voter_for_each_guess_stay_within_the_bound() -> None:
    limits, seconds, looked_at = Limits(), 60.0, 0
    free = [(0.0, n) for n in range(200)]
    voter = 0
    while free[0][0] < seconds:
        now, connection = heapq.heappop(free)
        voter += 1
        try:
            wait = limits.code_delay(f"v{voter}", "hall", now)
        except Busy as busy:
            assert busy.retry_after
            heapq.heappush(free, (now + 0.05, connection))
            continue
        looked_at += now + wait < seconds
        limits.code_checked(f"v{voter}", "hall", now + wait, wrong=True)
        heapq.heappush(free, (now + wait + 0.001, connection))
    assert BURST + RATE * seconds - 2 <= looked_at <= BURST + RATE * seconds + 2


def test_wrong_codes_of_walls_get_no_more_answers_over_two_hundred_connections() -> None:
    limits, seconds, answered = Limits(), 60.0, 0
    free = [(0.0, n) for n in range(200)]
    voter = 0
    while free[0][0] < seconds:
        now, connection = heapq.heappop(free)
        voter += 1
        try:
            wait = limits.wrong_code(f"wall v{voter}", "hall", now)
        except Busy:
            wait = 0.05
        else:
            answered += 1
        heapq.heappush(free, (now + wait + 0.001, connection))
    assert answered <= BURST + 40 + RATE * seconds + 2


def test_a_hall_of_right_codes_does_not_wait() -> None:
    limits = Limits()
    for n in range(5000):
        assert limits.code_delay(f"v{n}", "hall", n * 0.001) == 0.0
        limits.code_checked(f"v{n}", "hall", n * 0.001, wrong=False)


def test_a_right_code_beside_two_hundred_guesses_has_its_turn_within_seconds() -> None:
    limits = Limits()
    for n in range(250):
        limits.code_delay(f"guesser{n}", "hall", 0.0)
    wait = limits.code_delay("honest", "hall", 0.0)
    assert wait == pytest.approx((251 - BURST) / RATE)
    assert limits.code_delay("elsewhere", "home", 0.0) == 0.0


def test_one_of_a_voter_waits_at_a_time_and_no_line_is_longer_than_its_seconds() -> None:
    limits = Limits()
    for n in range(BURST):
        limits.code_delay(f"v{n}", "hall", 0.0)
    assert limits.code_delay("v", "hall", 0.0) > 0
    with pytest.raises(Busy):
        limits.code_delay("v", "hall", 0.0)
    for n in range(int(LONGEST_TURN * RATE) - 1):
        limits.code_delay(f"w{n}", "hall", 0.0)
    with pytest.raises(Busy):
        limits.code_delay("last", "hall", 0.0)
    assert 0 < limits.code_delay("last", "hall", 1.0) <= LONGEST_TURN


def test_a_voters_eleventh_wrong_code_is_refused_and_the_right_one_is_not_counted() -> None:
    limits = Limits()
    for _ in range(10):
        limits.code_delay("v", "hall", 0.0)
        limits.code_checked("v", "hall", 0.0, wrong=True)
    limits.code_delay("v", "hall", 0.0)
    with pytest.raises(Busy):
        limits.code_checked("v", "hall", 0.0, wrong=True)
    limits.code_delay("v", "hall", 0.0)
    limits.code_checked("v", "hall", 0.0, wrong=False)


def test_without_limits_nobody_waits() -> None:
    limits = Limits(on=False)
    assert {limits.code_delay("v", "hall", 0.0) for _ in range(500)} == {0.0}
