"""How long a connection may take, second by second."""

from __future__ import annotations

import pytest

from livewall.request_deadlines import Patience, Phase, Terms, credit_left

TERMS = Terms(header=15, idle=300, body=5, rate=1000, credit=20, answer=60)


def over(
    held: Patience, now: float, came: int = 0, *, begun: bool = False, sent: int = 0, unsent: bool = False
) -> bool:
    return held.is_over(now, came=came, begun=begun, sent=sent, unsent=unsent, terms=TERMS)


def test_a_connection_that_says_nothing_has_as_long_as_a_header() -> None:
    held = Patience(100.0)
    assert not over(held, 114.9)
    assert over(held, 115.0)


def test_bytes_that_drip_earn_a_header_no_time() -> None:
    held = Patience(0.0)
    assert not any(over(held, second, came=second, begun=True) for second in range(15))
    assert over(held, 15, came=15, begun=True)


def test_between_two_requests_there_are_minutes_and_for_the_next_header_seconds() -> None:
    held = Patience(0.0)
    held.wait_for_next(10.0)
    assert not over(held, 200.0)
    assert not over(held, 201.0, begun=True)
    assert held.phase is Phase.HEADER
    assert not over(held, 215.9, begun=True)
    assert over(held, 216.0, begun=True)


def test_an_idle_connection_ends_after_minutes() -> None:
    held = Patience(0.0)
    held.wait_for_next(10.0)
    assert not over(held, 309.0)
    assert over(held, 310.0)


@pytest.mark.parametrize(
    ("rate", "ends"),
    [(0, 5), (1, 6), (500, 10), (999, None), (1000, None), (50_000, None)],
)
def test_a_body_has_five_seconds_and_a_kilobyte_for_each_more(rate: int, ends: int | None) -> None:
    held = Patience(0.0)
    held.expect_body(0.0, 300, TERMS)
    found = next((second for second in range(1, 200) if over(held, second, 300 + rate * second)), None)
    assert found == ends


def test_what_came_at_once_earns_no_more_than_its_credit() -> None:
    held = Patience(0.0)
    held.expect_body(0.0, 0, TERMS)
    assert not any(over(held, second, 900_000) for second in range(1, 20))
    assert over(held, 20.0, 900_000)


def test_a_server_that_looks_late_does_not_blame_its_peer() -> None:
    held = Patience(0.0)
    held.expect_body(0.0, 0, TERMS)
    assert not over(held, 60.0, 0)
    assert not over(held, 61.0, 5000)


def test_credit_is_a_function_of_what_came() -> None:
    assert credit_left(5.0, 0, 1.0, TERMS) == 4.0
    assert credit_left(5.0, 2000, 1.0, TERMS) == 6.0
    assert credit_left(20.0, 1_000_000, 1.0, TERMS) == 19.0


def test_the_servers_own_turn_has_no_end() -> None:
    held = Patience(0.0)
    held.work(1.0, 0)
    assert not over(held, 10_000.0)


def test_an_answer_of_which_nothing_is_taken_ends_and_one_that_is_taken_slowly_does_not() -> None:
    slow, still = Patience(0.0), Patience(0.0)
    for held in (slow, still):
        held.work(0.0, 0)
        assert not over(held, 1.0, sent=0, unsent=True)
    assert not any(over(slow, second, sent=second, unsent=True) for second in range(2, 300))
    assert not over(still, 59.0, sent=0, unsent=True)
    assert over(still, 61.0, sent=0, unsent=True)
