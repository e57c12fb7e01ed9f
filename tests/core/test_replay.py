"""The tally over time: what is kept of it where there is more than a reader wants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from livewall import wire
from livewall.charts.thinning import thin
from livewall.clock import iso, moment
from livewall.voting.poll import Tally
from livewall.voting.replay import Moment, monotonic, sampled

START = datetime(2026, 11, 21, 16, tzinfo=UTC)


def moments(gaps: list[float], moves: list[tuple[int, int]]) -> list[Moment]:
    """A tally of two options: `gaps` seconds before each move of their counts."""
    made, at, a, b = [Moment(iso(START), {"1": 0, "2": 0}, 0)], START, 0, 0
    for gap, (first, second) in zip(gaps, moves, strict=False):
        at += timedelta(seconds=gap)
        a, b = max(0, a + first), max(0, b + second)
        made.append(Moment(iso(at), {"1": a, "2": b}, a + b))
    return made


MOVES = st.lists(st.tuples(st.integers(-2, 20), st.integers(-2, 20)), max_size=300)
GAPS = st.lists(st.floats(0, 4000), max_size=300)


@given(gaps=GAPS, moves=MOVES, most=st.integers(2, 60))
def test_thinned_it_keeps_the_ends_the_order_and_no_more_than_asked_for(
    gaps: list[float], moves: list[tuple[int, int]], most: int
) -> None:
    items = moments(gaps, moves)
    kept = thin(items, most)
    assert len(kept) <= most
    assert kept[0] == items[0] and kept[-1] == items[-1]
    assert all(a.at <= b.at for a, b in pairwise(kept))
    places = [next(n for n, item in enumerate(items) if item is each) for each in kept]
    assert places == sorted(places) and len(set(places)) == len(places)


@given(gaps=GAPS, moves=MOVES, most=st.integers(2, 60))
def test_what_is_left_out_is_near_to_what_is_kept(gaps: list[float], moves: list[tuple[int, int]], most: int) -> None:
    """Between a moment and the next that is kept there is at most one part of all movement, and of all time, twice."""
    items = moments(gaps, moves)
    kept = {id(item) for item in thin(items, most)}
    moved = [sum(abs(b.counts[i] - a.counts[i]) for i in "12") for a, b in pairwise(items)]
    passed = [(moment(b.at) - moment(a.at)).total_seconds() for a, b in pairwise(items)]
    movement, time = sum(moved) or 1, sum(passed) or 1
    way = 0.0
    for item, step, gap in reversed(list(zip(items, moved, passed, strict=False))):
        way = 0.0 if id(item) in kept else way + (step / movement + gap / time) / 2
        assert way <= 1 / (most - 1) + (step / movement + gap / time) / 2 + 1e-9


def test_a_burst_after_an_hour_of_nothing_is_not_lost() -> None:
    items = moments([3600] + [0.05] * 500, [(1, 0)] * 501)
    kept = thin(items, 50)
    assert items[0] in kept and len([k for k in kept if k.ballots > 1]) > 20


def told(*ballots: int, round: int = 1) -> list[tuple[str, str]]:
    """Events as they are kept."""
    return [(str(n), wire.text(Tally(round, {"1": each}, each))) for n, each in enumerate(ballots)]


def test_it_begins_with_the_last_moment_before_the_first_ballot() -> None:
    events = told(0, 0, 0, 1, 2, 0, 3)
    assert sampled(events, 1) == events[2:]
    assert sampled(events[:3], 1) == events[2:3]
    assert sampled([], 1) == []


def test_only_events_of_its_round_are_read() -> None:
    rounds = [told(0, 1), told(0, 1, 2, round=2), told(0, round=10)]
    every = [event for each in rounds for event in each]
    assert [sampled(every, round) for round in (1, 2, 10, 3)] == [*rounds, []]


@given(count=st.integers(0, 300), most=st.integers(2, 40))
def test_of_very_many_events_a_part_is_read_with_the_first_and_the_last(count: int, most: int) -> None:
    events = told(0, *range(1, count + 1))
    found = sampled(events, 1, most)
    assert found[0] is events[0] and found[-1] is events[-1] and len(found) <= most + 2
    places = [int(at) for at, _ in found]
    assert places == sorted(set(places))
    gaps = [b - a for a, b in pairwise(places)]
    assert max(gaps, default=1) <= 2 * max(1, count // max(1, most // 2))
    assert count > most or found == events


def test_times_of_a_clock_that_was_set_back_stand_still() -> None:
    items = moments([10, 5], [(1, 0), (1, 0)])
    set_back = [items[0], items[2], items[1]]
    assert [item.at for item in monotonic(set_back)] == [items[0].at, items[2].at, items[2].at]
