"""The base, the quorum, the majority."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from livewall.voting.decision import base, first, majority_reached, quorum_reached
from livewall.voting.poll import Poll, Tally, new_poll
from livewall.voting.shares import needed
from livewall.wire import OptionIn, PollIn

POLL = new_poll("p", PollIn("?", ["Yes", "No", OptionIn("Abstain", abstain=True)]))


def poll(**more: object) -> Poll:
    return msgspec.structs.replace(POLL, **more)


def tally(yes: int, no: int, abstained: int = 0) -> Tally:
    return Tally(1, {"1": yes, "2": no, "3": abstained}, yes + no + abstained)


def test_who_abstains_does_not_count_into_the_base() -> None:
    assert base(POLL, tally(3, 2, 5)) == 5


def test_who_abstains_counts_for_the_quorum() -> None:
    assert quorum_reached(poll(quorum=10), tally(3, 2, 5)) is True
    assert quorum_reached(poll(quorum=11), tally(3, 2, 5)) is False
    assert quorum_reached(POLL, tally(0, 0)) is None


@pytest.mark.parametrize(
    ("majority", "of", "least"), [("1/2", 10, 6), ("1/2", 9, 5), ("2/3", 9, 6), ("2/3", 10, 7), ("3/4", 8, 6)]
)
def test_a_majority_is_more_than_half_or_at_least_its_share(majority: str, of: int, least: int) -> None:
    assert needed(majority, of) == least


@given(st.sampled_from(["2/3", "3/4"]), st.integers(1, 10_000))
def test_one_mark_less_than_needed_is_less_than_the_share(majority: str, of: int) -> None:
    least = needed(majority, of)
    assert Fraction(least, of) >= Fraction(majority) > Fraction(least - 1, of)


def test_a_majority_is_of_the_base() -> None:
    assert majority_reached(poll(majority="2/3"), tally(4, 2, 90)) == ("1",)
    assert majority_reached(poll(majority="2/3"), tally(3, 2, 90)) == ()


def test_half_is_no_majority() -> None:
    assert majority_reached(poll(majority="1/2"), tally(2, 2)) == ()


def test_there_is_no_majority_without_a_quorum_without_ballots_or_where_none_is_asked_for() -> None:
    assert majority_reached(poll(majority="1/2", quorum=5), tally(4, 0)) == ()
    assert majority_reached(poll(majority="1/2"), tally(0, 0, 7)) == ()
    assert majority_reached(POLL, tally(4, 0)) == ()


def test_abstaining_is_no_choice_that_could_win() -> None:
    assert majority_reached(poll(majority="1/2"), tally(0, 1, 9)) == ("2",)


def test_fields_that_are_not_set_are_not_on_the_wire() -> None:
    text = msgspec.json.encode(POLL).decode()
    assert "quorum" not in text and "majority" not in text and text.count("abstain") == 1
    assert POLL.options[0].abstain is UNSET


def test_who_has_the_most_marks_is_first_unless_it_misses_the_majority_asked_for() -> None:
    assert first(POLL, tally(2, 2, 5)) == ("1", "2")
    assert first(poll(majority="1/2"), tally(3, 2)) == ("1",)
    assert first(poll(majority="2/3"), tally(3, 2)) == ()
    assert first(POLL, tally(0, 0, 3)) == ()
