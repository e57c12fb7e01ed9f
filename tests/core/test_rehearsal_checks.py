"""What a rehearsal believes at its end: a store that did right has no fault, and each planted one is found."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from livewall.rehearsal.checks import Chain, Counted, Fault, Ledger, compare_ballots, difference, hides_tally

POLLS = ("P1", "P2")


class Act(NamedTuple):
    voter: str
    poll: str
    round: int
    choices: tuple[str, ...]  # none: retract
    fate: str  # "acknowledged", "refused", "lost" (and not carried out), "unheard" (carried out, answer lost)


ACTS = st.lists(
    st.builds(
        Act,
        st.sampled_from([f"v{n}" for n in range(6)]),
        st.sampled_from(POLLS),
        st.integers(1, 2),
        st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple),
        st.sampled_from(["acknowledged", "acknowledged", "refused", "lost", "unheard"]),
    ),
    max_size=40,
)
Key = tuple[str, str, int]


def hall(acts: list[Act]) -> tuple[Ledger, list[Counted], dict[tuple[str, int], dict[str, Any]]]:
    """A ledger and a store after the same acts: the store never forgets what it acknowledged."""
    ledger, held, receipts = Ledger(), dict[Key, Counted](), iter(range(10_000))
    for act in acts:
        key = (act.voter, act.poll, act.round)
        before = ledger.entries.get(key)
        again = bool(before and before.maybe and before.maybe[-1] == frozenset(act.choices))
        ledger.sent(*key, act.choices)
        if again and act.fate == "refused":
            if not act.choices:
                continue  # nobody says whether the first try of a retraction was carried out
            if key in held and held[key].choices == frozenset(act.choices):
                act = act._replace(fate="acknowledged")  # the same choices again are never refused
        if act.fate in ("acknowledged", "unheard"):
            if not act.choices:
                held.pop(key, None)
            else:
                receipt = held[key].receipt if key in held else f"R{next(receipts)}"
                held[key] = Counted(act.poll, act.round, receipt, frozenset(act.choices))
        if act.fate == "acknowledged":
            ledger.acknowledged(*key, act.choices, held[key].receipt if key in held else None)
        elif act.fate == "refused":
            ledger.refused(*key)
    ballots = list(held.values())
    return ledger, ballots, tallies(ballots)


def tallies(ballots: list[Counted]) -> dict[tuple[str, int], dict[str, Any]]:
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for poll in POLLS:
        for round in (1, 2):
            own = [ballot for ballot in ballots if (ballot.poll, ballot.round) == (poll, round)]
            counts = Counter(choice for ballot in own for choice in ballot.choices)
            found[poll, round] = {"counts": {id: counts[id] for id in "abc"}, "ballots": len(own)}
    return found


def certain(ledger: Ledger) -> set[str | None]:
    """Receipts of ballots of which nothing is open."""
    return {entry.receipt for entry in ledger.entries.values() if entry.certain and not entry.maybe}


def kinds(faults: list[Fault]) -> set[str]:
    return {fault.kind for fault in faults}


@given(ACTS)
def test_a_store_that_did_as_it_said_has_no_fault(acts: list[Act]) -> None:
    assert compare_ballots(*hall(acts)) == []


@given(ACTS, st.data())
def test_a_lost_ballot_is_found(acts: list[Act], data: st.DataObject) -> None:
    ledger, ballots, _ = hall(acts)
    known = sorted(r for r in certain(ledger) if r)
    assume(known)
    lost = data.draw(st.sampled_from(known))
    left = [ballot for ballot in ballots if ballot.receipt != lost]
    assert "ballot" in kinds(compare_ballots(ledger, left, tallies(left)))


@given(ACTS, st.data())
def test_a_ballot_that_says_something_else_is_found(acts: list[Act], data: st.DataObject) -> None:
    ledger, ballots, _ = hall(acts)
    known = [ballot for ballot in ballots if ballot.receipt in certain(ledger)]
    assume(known)
    chosen = data.draw(st.sampled_from(known))
    other = chosen._replace(choices=frozenset("abc") - chosen.choices)
    changed = [other if ballot is chosen else ballot for ballot in ballots]
    assert "ballot" in kinds(compare_ballots(ledger, changed, tallies(changed)))


@given(ACTS)
def test_a_ballot_that_nobody_cast_is_found(acts: list[Act]) -> None:
    ledger, ballots, _ = hall([act for act in acts if act.fate in ("acknowledged", "refused")])
    more = [*ballots, Counted("P1", 1, "RX", frozenset("a"))]
    assert "ballot" in kinds(compare_ballots(ledger, more, tallies(more)))


@given(ACTS, st.sampled_from(POLLS), st.integers(1, 2), st.sampled_from("abc"))
def test_a_tally_that_is_not_the_sum_of_its_ballots_is_found(acts: list[Act], poll: str, round: int, id: str) -> None:
    ledger, ballots, told = hall(acts)
    told[poll, round]["counts"][id] += 1
    assert kinds(compare_ballots(ledger, ballots, told)) == {"count"}


def test_one_stray_ballot_cannot_belong_to_two_who_never_heard() -> None:
    ledger = Ledger()
    ledger.sent("v1", "P1", 1, "a")
    stray = [Counted("P1", 1, "R1", frozenset("a")), Counted("P1", 1, "R2", frozenset("a"))]
    assert compare_ballots(ledger, stray[:1], tallies(stray[:1])) == []
    assert [fault.kind for fault in compare_ballots(ledger, stray, tallies(stray))] == ["ballot"]


def test_strays_are_given_to_those_who_may_own_them_whatever_the_order() -> None:
    ledger = Ledger()
    ledger.sent("v1", "P1", 1, "a")
    ledger.sent("v1", "P1", 1, "b")
    ledger.sent("v2", "P1", 1, "a")
    strays = [Counted("P1", 1, "R1", frozenset("a")), Counted("P1", 1, "R2", frozenset("b"))]
    for order in (strays, strays[::-1]):
        assert compare_ballots(ledger, order, tallies(order)) == []


def test_a_ballot_is_not_counted_in_another_round() -> None:
    ledger = Ledger()
    ledger.sent("v1", "P1", 1, "a")
    ledger.acknowledged("v1", "P1", 1, "a", "R1")
    moved = [Counted("P1", 2, "R1", frozenset("a"))]
    assert "ballot" in kinds(compare_ballots(ledger, moved, tallies(moved)))


# -- pictures

TRUTH = {"round": 2, "counts": {"1": 3, "2": 0}, "ballots": 3}


def test_the_store_s_picture_is_right_whatever_else_it_says() -> None:
    assert difference({**TRUTH, "more": 1}, TRUTH) is None


@pytest.mark.parametrize(
    "shown", [None, {**TRUTH, "round": 1}, {**TRUTH, "counts": {"1": 2, "2": 1}}, {**TRUTH, "ballots": 2}]
)
def test_a_wrong_picture_is_found(shown: dict[str, Any] | None) -> None:
    assert difference(shown, TRUTH)


@pytest.mark.parametrize(
    ("results", "phase", "published", "hidden"),
    [
        ("live", "open", False, False),
        ("after_vote", "open", False, False),
        ("after_close", "open", False, True),
        ("after_close", "closed", False, False),
        ("after_close", "open", True, False),
        ("on_publish", "closed", False, True),
        ("on_publish", "open", True, False),
    ],
)
def test_who_may_not_see_a_tally(results: str, phase: str, published: bool, hidden: bool) -> None:
    assert hides_tally({"results": results, "phase": phase, "published": published}) is hidden


# -- chains


def event(prev: int, pos: int, data: Any = 0, key: str = "tally", epoch: str = "e") -> dict[str, Any]:
    return {"stream": "polls/P", "prev": f"{epoch}.{prev}", "pos": f"{epoch}.{pos}", "key": key, "data": data}


def begun(*events: dict[str, Any], at: int = 2) -> Chain:
    chain = Chain("polls/P")
    for message in ({"reset": True}, *events, {"synced": True, "pos": f"e.{at}", "now": ""}):
        assert chain.apply({"stream": "polls/P", **message})
    return chain


@given(st.lists(st.integers(1, 3), min_size=1), st.data())
def test_a_hole_is_found_wherever_it_is(steps: list[int], data: st.DataObject) -> None:
    places = [2]
    for step in steps:
        places.append(places[-1] + step)
    told = [event(prev, pos) for prev, pos in itertools.pairwise(places)]
    assert all(begun().apply(message) for message in told[:1])
    whole = begun()
    assert all(whole.apply(message) for message in told) and not whole.faults
    left_out = data.draw(st.integers(0, len(told) - 1))
    holed = begun()
    going = [holed.apply(message) for index, message in enumerate(told) if index != left_out]
    if left_out == len(told) - 1:  # nothing follows that could show it, but a heartbeat
        going.append(holed.heartbeat(f"e.{places[-1]}"))
    assert not all(going) and kinds(holed.faults) == {"hole"}


def test_an_event_of_another_epoch_without_a_reset_is_a_hole() -> None:
    chain = begun()
    assert not chain.apply(event(2, 3, epoch="f"))
    assert kinds(chain.faults) == {"hole"}


def test_an_event_that_is_no_event_is_a_fault() -> None:
    chain = begun()
    assert not chain.apply({"stream": "polls/P", "pos": "nonsense", "prev": "e.2"})
    assert kinds(chain.faults) == {"hole"}


def test_a_tally_that_is_hidden_is_found() -> None:
    poll = {"results": "on_publish", "phase": "open", "published": False}
    chain = begun(event(0, 1, poll, "poll"))
    assert chain.apply(event(2, 3, {"ballots": 1}, "turnout")) and not chain.faults
    chain.apply(event(3, 4, {"ballots": 1}))
    assert kinds(chain.faults) == {"leak"}
