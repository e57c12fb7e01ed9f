"""Pictures of results: valid XML for whatever options are called, every figure in words, nothing by colour alone."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from livewall.charts.bars import Mark, Picture, bars
from livewall.charts.drawing import DARK, LIGHT, clean
from livewall.charts.race import LEFT, PLOT, Words, axis, clock_face, nice, race, spread
from livewall.clock import later, moment
from livewall.voting.figures import figures
from livewall.voting.poll import Option, Phase, Poll, Tally
from livewall.voting.replay import Moment, Replay
from livewall.voting.shares import percent

BEGAN = moment("2026-11-21T10:00:00.000Z")
SOME = "<>&\"'\u202e\u200f\ufffe\x85\u0301周שلام 𝄞"
LABEL = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(SOME)), min_size=1, max_size=60)
MANY = st.lists(st.tuples(LABEL, st.integers(0, 10_000)), min_size=1, max_size=40)


def a_poll(options: list[Option], title: str = "T", phase: Phase = Phase.CLOSED, round: int = 1) -> Poll:
    return Poll(
        id="X", wall=None, title=title, kind="single", options=options, phase=phase, round=round, results="live",
        published=False, assurance="open", allow_change=True, max_choices=1, closes_at=None,
    )  # fmt: skip


def made(given: list[tuple[str, int]]) -> tuple[list[Option], Tally]:
    options = [Option(str(n), label) for n, (label, _) in enumerate(given, 1)]
    counts = {option.id: count for option, (_, count) in zip(options, given, strict=True)}
    return options, Tally(1, counts, sum(counts.values()))


def said(drawn: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawn).iter() if element.tag.endswith("text")]


@given(MANY, LABEL, st.booleans())
def test_bars_are_valid_xml_and_say_every_figure(given: list[tuple[str, int]], title: str, compared: bool) -> None:
    options, tally = made(given)
    found = figures(a_poll(options, title), tally)
    shown = Picture(title, found, ["fact", title], Mark(0.5, title), (title, Mark(0.4, title), 1), found * compared)
    for theme in (LIGHT, DARK):
        drawn = bars(shown, theme)
        words = said(drawn)
        assert all(figure.percent in words and f"{figure.count:,}" in words for figure in found)
        about = ElementTree.fromstring(drawn)[1].text or ""
        assert all(clean(figure.label) in about for figure in found)
        assert "style=" not in drawn and "<script" not in drawn


@given(MANY, LABEL, st.lists(st.floats(0, 9000), min_size=1, max_size=30))
def test_the_race_is_valid_xml_and_ends_with_the_last_counts(
    given: list[tuple[str, int]], title: str, gaps: list[float]
) -> None:
    options, tally = made(given)
    items, at = [], 0.0
    for n, gap in enumerate(gaps, 1):
        at += gap
        counts = {id: count * n // len(gaps) for id, count in tally.counts.items()}
        items.append(Moment(later(BEGAN, at), counts, sum(counts.values())))
    drawn = race(Replay(1, options, items), Words(title, title, title, "%(time)s"), LIGHT)
    words = said(drawn)
    assert all(f"{count:,}" in words for count in tally.counts.values())
    assert len(ElementTree.fromstring(drawn).findall(".//*[@class='run']")) == len(options)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60).map(sorted))
@example([0.0, 4.7e-10, 60.97, 524_349.0])
@example([0.0, 5e-324, 61.0])
@example([0.0, 5e-324])
def test_time_never_runs_back_on_the_axis(times: list[float]) -> None:
    scale = axis(times)
    places = [scale.position(at) for at in times]
    assert all(a <= b + 1e-9 for a, b in pairwise(places))
    assert abs(places[-1] - 1) < 1e-9 and all(0 <= place <= 1 + 1e-9 for place in places)


def test_a_poll_that_was_opened_again_has_its_pause_shortened() -> None:
    times = [float(n) for n in range(100)] + [86_400.0 + n for n in range(100)]
    scale = axis(times)
    assert len(scale.pauses) == 1 and scale.knots[scale.pauses[0]][0] == 99
    assert abs(scale.position(99) - 0.475) < 0.01 and abs(scale.position(86_400) - 0.525) < 0.01
    assert axis([float(n * 100) for n in range(50)]).pauses == []


@given(st.lists(st.floats(0, 400), min_size=1, max_size=15))
def test_labels_stand_apart_and_in_the_order_of_their_lines(wanted: list[float]) -> None:
    placed = spread(wanted, 20, 400)
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    assert all(placed[b] - placed[a] >= 20 - 1e-9 for a, b in pairwise(order)) and max(placed) <= 400


def test_scales_are_round_and_times_read_as_a_clock() -> None:
    assert [nice(most, 5) for most in (1, 5, 6, 551, 944)] == [1, 1, 2, 200, 200]
    assert [clock_face(each) for each in (0, 65, 3665, 90061)] == ["0:00", "1:05", "1:01:05", "25:01:01"]
    assert [percent(a, b) for a, b in ((0, 0), (1, 1000), (551, 944), (999, 1000), (9, 9))] == [
        "0%", "<1%", "58%", ">99%", "100%",
    ]  # fmt: skip


def test_an_abstention_has_a_count_and_no_share() -> None:
    options = [Option("1", "A"), Option("2", "B"), Option("3", "Abstain", abstain=True)]
    found = figures(a_poll(options), Tally(1, {"1": 3, "2": 1, "3": 6}, 10))
    assert [(f.percent, f.share) for f in found] == [("75%", 0.75), ("25%", 0.25), ("–", 0.0)]
    assert [f.first for f in found] == [True, False, False]


def test_nobody_is_first_while_voting_goes_on_but_in_an_earlier_round() -> None:
    poll = a_poll([Option("1", "A"), Option("2", "B")], phase=Phase.OPEN, round=2)
    assert not any(f.first for f in figures(poll, Tally(2, {"1": 3, "2": 1}, 4)))
    assert [f.first for f in figures(poll, Tally(1, {"1": 3, "2": 1}, 4))] == [True, False]


def test_lines_of_a_race_have_dashes_beside_colours() -> None:
    options = [Option(str(n), f"Option {n}") for n in range(32)]
    items = [Moment("2026-11-21T16:00:00.000Z", {o.id: 0 for o in options}, 0)]
    root = ElementTree.fromstring(race(Replay(1, options, items), Words("", "", "", ""), LIGHT))
    lines = {(run.attrib["stroke"], run.get("stroke-dasharray")) for run in root.findall(".//*[@class='run']")}
    assert len(lines) == 32
    assert root.attrib["data-knots"] == f"[[1795276800000,{LEFT}],[1795276800000,{LEFT + PLOT}]]"
