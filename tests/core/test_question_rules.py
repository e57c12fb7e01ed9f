"""Who may ask one more question, and how fast. No store, no clock."""

from __future__ import annotations

import pytest

from livewall.errors import BadInput, Busy, Refused
from livewall.identity import Who
from livewall.limits import Limits
from livewall.questions.rules import MAX_OPEN, MAX_QUESTIONS, MAX_TEXT, check_may_ask
from livewall.rooms.message_text import message_text

VOTER, HOST = Who(voter="v"), Who(role="host", name="Lin", credential="1")


def test_a_full_list_is_closed_for_the_audience_and_not_for_hosts() -> None:
    check_may_ask("open", VOTER, unanswered=MAX_OPEN - 1, asked=MAX_OPEN)
    with pytest.raises(Refused, match="too many questions"):
        check_may_ask("open", VOTER, unanswered=MAX_OPEN, asked=MAX_OPEN)
    check_may_ask("open", HOST, unanswered=MAX_OPEN, asked=MAX_QUESTIONS - 1)
    with pytest.raises(Refused, match="too many questions"):
        check_may_ask("open", HOST, unanswered=0, asked=MAX_QUESTIONS)


def test_many_new_voters_of_one_wall_are_limited_and_hosts_and_other_walls_are_not() -> None:
    limits, asked = Limits(), 0
    for second in range(10):
        for voter in range(100):
            try:
                limits.ask(f"{second}-{voter}", "k7m2qd", 10.0 + second, host=False)
            except Busy as busy:
                assert busy.code == "rate" and busy.retry_after is not None and busy.retry_after <= 0.2 + 1e-6
            else:
                asked += 1
    assert asked == 60 + 9 * 5
    with pytest.raises(Busy):
        limits.ask("another", "K7M2QD", 19.0, host=False)
    limits.ask("host", "K7M2QD", 19.0, host=True)
    limits.ask("another", "ABCDEF", 19.0, host=False)


def test_a_question_that_is_refused_counts_for_neither_limit() -> None:
    limits = Limits()
    for n in range(60):
        limits.ask(f"v{n}", "K7M2QD", 10.0, host=False)
    for _ in range(30):
        with pytest.raises(Busy):
            limits.ask("patient", "K7M2QD", 10.0, host=False)
    for second in range(20):
        limits.ask("patient", "K7M2QD", 11.0 + second, host=False)
    for _ in range(100):
        with pytest.raises(Busy) as busy:
            limits.ask("patient", "K7M2QD", 40.0, host=False)
        assert busy.value.retry_after is not None and busy.value.retry_after > 100, "the limit of the person"
    limits.ask("another", "K7M2QD", 40.0, host=False)


def test_a_question_is_shorter_than_a_message() -> None:
    assert message_text("x" * MAX_TEXT, MAX_TEXT) and message_text("x" * 4000)
    with pytest.raises(BadInput, match="at most 1,000 characters"):
        message_text("x" * (MAX_TEXT + 1), MAX_TEXT)
