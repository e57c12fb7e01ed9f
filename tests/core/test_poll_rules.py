"""The rules of a poll: facts in, facts out."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from livewall.clock import later, moment
from livewall.errors import LivewallError
from livewall.voting.kinds import Rules, kinds
from livewall.voting.poll import (
    Phase,
    edited,
    new_poll,
    next_phase,
    options_of,
    revealed,
    tally_is_seen,
    timed,
)
from livewall.voting.rounds import seen_rounds
from livewall.wire import OptionIn, PollEdit, PollIn, TimerIn

SINGLE, MULTI = kinds()["single"], kinds()["multi"]


def refusal(call: object, *args: object, **kw: object) -> str:
    with pytest.raises(LivewallError) as raised:
        call(*args, **kw)  # type: ignore[operator]
    return raised.value.code


@pytest.mark.parametrize(
    ("results", "draft", "open", "voted", "closed"),
    [
        ("live", False, True, True, True),
        ("after_vote", False, False, True, True),
        ("after_close", False, False, False, True),
        ("on_publish", False, False, False, False),
    ],
)
def test_who_sees_the_tally_when(results: str, draft: bool, open: bool, voted: bool, closed: bool) -> None:
    assert tally_is_seen(results, "draft", False, True) is draft
    assert tally_is_seen(results, "open", False, False) is open
    assert tally_is_seen(results, "open", False, True) is voted
    assert tally_is_seen(results, "closed", False, False) is closed
    assert tally_is_seen(results, "open", True, False)
    assert not tally_is_seen(results, "draft", True, True)


def test_closing_a_draft_is_refused() -> None:
    assert refusal(next_phase, Phase.DRAFT, "close") == "poll_not_open"


def test_only_a_closed_poll_can_be_reset() -> None:
    assert next_phase(Phase.CLOSED, "reset") is Phase.DRAFT
    assert refusal(next_phase, Phase.OPEN, "reset") == "conflict"


def test_opening_what_is_open_and_closing_what_is_closed_change_nothing() -> None:
    assert next_phase(Phase.OPEN, "open") is Phase.OPEN
    assert next_phase(Phase.CLOSED, "close") is Phase.CLOSED


def test_choices_stand_in_the_order_of_the_options() -> None:
    assert MULTI.check_ballot(Rules(("a", "b", "c"), 3, None), ["c", "a"]) == ("a", "c")


@pytest.mark.parametrize("choices", [[], ["z"], ["a", "b"], ["a", "a"]])
def test_a_single_poll_takes_one_known_choice(choices: list[str]) -> None:
    assert refusal(SINGLE.check_ballot, Rules(("a", "b"), 1, None), choices) == "invalid"


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.integers(1, 6))
def test_a_multi_poll_takes_up_to_its_limit(choices: list[str], limit: int) -> None:
    rules = Rules(tuple("abcdef"), limit, None)
    if 1 <= len(choices) <= limit:
        assert sorted(MULTI.check_ballot(rules, choices)) == sorted(choices)
    else:
        assert refusal(MULTI.check_ballot, rules, choices) == "invalid"


def test_options_without_ids_are_numbered() -> None:
    assert [o.id for o in options_of(["Red", OptionIn("Blue"), OptionIn("Green", "g")])] == ["1", "2", "g"]


def test_two_options_with_the_same_id_are_refused() -> None:
    assert refusal(options_of, [OptionIn("Red", "2"), "Blue"]) == "invalid"


def test_text_of_people_is_kept_as_it_is() -> None:
    strange = "<b>مرحبا</b> 🗳️ \u202eabc"
    assert new_poll("x", PollIn(title=strange, options=[strange])).title == strange


def test_control_characters_are_refused() -> None:
    assert refusal(new_poll, "x", PollIn(title="a\x00b", options=["A"])) == "invalid"


def test_a_multi_poll_has_the_limit_it_was_given() -> None:
    assert MULTI.max_choices(2, 5) == 2
    assert refusal(MULTI.max_choices, 6, 5) == "invalid"
    assert refusal(SINGLE.max_choices, 2, 5) == "invalid"


def test_options_stand_once_there_is_a_ballot() -> None:
    poll = new_poll("x", PollIn(title="T", options=["A", "B"]))
    assert refusal(edited, poll, PollEdit(options=["C"]), has_ballots=True) == "conflict"
    assert [o.label for o in edited(poll, PollEdit(options=["C"]), has_ballots=False).options] == ["C"]


def test_an_edit_with_the_same_options_is_fine_with_ballots() -> None:
    poll = new_poll("x", PollIn(title="T", options=["A", "B"]))
    assert edited(poll, PollEdit(title="U", options=["A", "B"]), has_ballots=True).title == "U"


def test_a_ballot_that_abstains_can_choose_nothing_else() -> None:
    rules = Rules(("a", "b", "c"), 3, "c")
    assert MULTI.check_ballot(rules, ["c"]) == ("c",)
    assert refusal(MULTI.check_ballot, rules, ["a", "c"]) == "invalid"


def test_an_edit_to_another_kind_gives_its_number_of_choices() -> None:
    poll = new_poll("x", PollIn(title="T", options=["A", "B", "C"], kind="multi", max_choices=3))
    assert edited(poll, PollEdit(kind="single"), has_ballots=False).max_choices == 1
    assert edited(poll, PollEdit(options=["A", "B"]), has_ballots=False).max_choices == 2
    assert refusal(edited, poll, PollEdit(kind="many"), has_ballots=False) == "invalid"


@given(st.sets(st.sampled_from("abcdef"), min_size=1), st.integers(2, 6), st.randoms())
def test_what_a_rehearsal_casts_is_taken(options: set[str], limit: int, chance: random.Random) -> None:
    for kind, most in ((SINGLE, 1), (MULTI, limit)):
        rules = Rules(tuple(sorted(options)), most, None)
        assert kind.check_ballot(rules, kind.sample(rules, chance))


@pytest.mark.parametrize(
    "options",
    [[OptionIn("A", abstain=True)], ["A", OptionIn("B", abstain=True), OptionIn("C", abstain=True)]],
)
def test_there_is_one_abstention_at_most_and_something_to_choose(options: list[str | OptionIn]) -> None:
    assert refusal(options_of, options) == "invalid"


NOW = moment("2026-05-04T10:00:00.000Z")
OPEN = replace(new_poll("p", PollIn("?", ["A", "B"])), phase=Phase.OPEN)


def test_more_time_is_added_to_what_is_left_or_counted_from_now() -> None:
    assert timed(replace(OPEN, closes_at="2026-05-04T10:00:20.000Z"), TimerIn(add=30), NOW).closes_at == later(NOW, 50)
    assert timed(OPEN, TimerIn(add=30), NOW).closes_at == later(NOW, 30)
    assert timed(replace(OPEN, closes_at="2026-05-04T09:00:00.000Z"), TimerIn(add=30), NOW).closes_at == later(NOW, 30)


def test_what_is_left_can_be_said_and_taken_away() -> None:
    assert timed(OPEN, TimerIn(left=60), NOW).closes_at == later(NOW, 60)
    assert timed(replace(OPEN, closes_at=later(NOW, 5)), TimerIn(left=None), NOW).closes_at is None


def test_a_timer_takes_one_of_the_two_of_an_open_poll_and_a_year_at_most() -> None:
    assert refusal(timed, OPEN, TimerIn(), NOW) == "invalid"
    assert refusal(timed, OPEN, TimerIn(add=1, left=1), NOW) == "invalid"
    assert refusal(timed, replace(OPEN, phase=Phase.CLOSED), TimerIn(add=1), NOW) == "closed"
    assert refusal(timed, replace(OPEN, phase=Phase.DRAFT), TimerIn(add=1), NOW) == "poll_not_open"
    year = replace(OPEN, closes_at=later(NOW, 366 * 86400))
    assert refusal(timed, year, TimerIn(add=1), NOW) == "invalid"


def test_what_was_hidden_is_revealed_at_a_moment_and_what_is_hidden_again_is_not() -> None:
    hidden = replace(OPEN, results="on_publish")
    shown = revealed(hidden, replace(hidden, published=True), "T")
    assert shown.reveal_at == "T"
    assert revealed(shown, replace(shown, phase=Phase.CLOSED), "U").reveal_at == "T"
    assert revealed(shown, replace(shown, published=False), "U").reveal_at is UNSET


def test_opening_a_poll_whose_tally_is_live_reveals_nothing() -> None:
    draft = new_poll("p", PollIn("?", ["A", "B"]))
    assert revealed(draft, replace(draft, phase=Phase.OPEN), "T").reveal_at is UNSET


def test_earlier_rounds_are_seen_where_they_were_shown_or_everything_is() -> None:
    assert seen_rounds(3, [1], everything=False) == [1, 3]
    assert seen_rounds(3, [], everything=True) == [1, 2, 3]


def test_a_rule_of_a_poll_is_taken_away_by_nothing() -> None:
    ruled = edited(OPEN, PollEdit(quorum=3, majority="2/3", compare=True), has_ballots=True)
    assert (ruled.quorum, ruled.majority, ruled.compare) == (3, "2/3", True)
    assert edited(ruled, PollEdit(quorum=None, majority=None, compare=False), has_ballots=True) == OPEN
