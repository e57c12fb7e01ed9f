"""What a page made by the server shows is what the live page shows: the same rules, written twice, checked together."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from handlers.view_models.option_rows import OptionRow, group_receipt, result_rows, top_rows
from handlers.view_models.screen_layout import cut_lines, density, extra_height, grid_size, length_class, step_density
from handlers.view_models.task_times import format_short_timestamp
from livewall.voting import decision, shares
from livewall.voting.poll import Poll, Tally, tally_is_seen
from livewall.voting.shares import percent

ROOT = Path(__file__).parents[2]
SCRIPT = """
import { cutLines, density, extraHeight } from "./static/js/poll/density.js";
import { isPublic, majorityReached, majorityShare, marksNeeded, percent, quorumReached, resultRows, shareBase }
  from "./static/js/poll/tally.js";
import { stepDensity } from "./static/js/task/steplist.js";
import { lengthClass } from "./static/js/ui/length.js";
import { gridSize, topRows } from "./static/js/wall/results.js";
const { polls, titles, shares, sizes, labels, rights } = JSON.parse(process.argv[1]);
const width = (share) => `${(share * 100).toFixed(1)}%`;
console.log(JSON.stringify({
  rows: polls.map(([poll, tally, earlier]) => resultRows(poll, tally, earlier).map((row) =>
    [row.id, row.number, row.colour, row.pattern, row.count, row.percent, row.first, width(row.share), row.abstain,
     row.before ? row.before.percent : ""])),
  outcomes: polls.filter(([, tally]) => tally).map(([poll, tally]) =>
    [shareBase(poll, tally), quorumReached(poll, tally.ballots),
     majorityReached(poll, tally).map((option) => option.id),
     poll.majority ? [marksNeeded(poll.majority, shareBase(poll, tally)), majorityShare(poll.majority)] : null]),
  multiples: sizes.map((size) => Object.values(gridSize(size))),
  chosen: polls.filter(([, tally]) => tally).map(([poll, tally]) =>
    topRows(resultRows(poll, tally), 3).map((row) => row.id)),
  extras: polls.map(([poll]) => [density(Array(8).fill("x".repeat(90)), "", extraHeight(poll)), extraHeight(poll)]),
  open: rights.map(isPublic),
  titles: titles.map(lengthClass), shares: shares.map(([a, b]) => percent(a, b)),
  sizes: labels.map((each) => density(each)),
  cut: labels.map((each) => cutLines(each, "", { foot: 4, row: 0.8 })), steps: sizes.map(stepDensity),
}));
"""


def poll(options: int, phase: str, *, abstain: int = 0, **more: Any) -> dict[str, Any]:
    made: list[dict[str, Any]] = [{"id": str(n), "label": f"Option {n}"} for n in range(1, options + 1)]
    if abstain:
        made[abstain - 1]["abstain"] = True
    rest = {"id": "p", "wall": None, "title": "T", "kind": "single", "results": "live", "published": False}
    rest |= {"assurance": "open", "allow_change": True, "max_choices": 1, "closes_at": None}
    return {**rest, "phase": phase, "round": 1, "options": made, **more}


def tally(*counts: int, round: int = 1) -> dict[str, Any]:
    return {"round": round, "counts": {str(n): count for n, count in enumerate(counts, 1)}, "ballots": sum(counts)}


POLLS = [
    (poll(2, "open"), tally(3, 1)),
    (poll(2, "closed"), tally(3, 3)),
    (poll(40, "closed"), tally(*range(40))),
    (poll(3, "open"), None),
    (poll(3, "open", abstain=3, quorum=10), tally(3, 1, 5)),
    (poll(3, "closed", abstain=1, quorum=9, majority="2/3"), tally(9, 1, 2)),
    (poll(3, "closed", abstain=2, majority="1/2"), tally(0, 4, 0)),
    (poll(2, "closed", majority="3/4", round=2, compare=True), tally(9, 3, round=2), tally(1, 2)),
    (poll(3, "open", abstain=3, round=2, compare=True), tally(1, 1, 1, round=2), tally(0, 0, 4)),
    (poll(2, "open", round=2, compare=True), None, tally(1, 1)),
]
TITLES = ["a" * 60, "a" * 61, "a" * 121, "a" * 300, "周" * 31, "周" * 30, ""]
SHARES = [(0, 0), (0, 5), (1, 1000), (1, 200), (551, 944), (125, 1000), (999, 1000), (5, 5)]
LABELS = [["label"] * size for size in range(1, 41)] + [
    ["a long label " * times] * size for size in (1, 2, 3, 5, 7, 8, 9, 12, 14, 20, 21) for times in (3, 5, 9)
]
RIGHTS = [
    {"results": results, "phase": phase, "published": published}
    for results in ("live", "after_vote", "after_close", "on_publish")
    for phase in ("open", "closed")
    for published in (False, True)
]
SIZES = [1, 2, 3, 4, 5, 7, 9, 14, 15, 20, 21, 40]


def drawn_rows(one: Any, counted: Any, earlier: Any = None) -> list[OptionRow]:
    tallies = [msgspec.convert(each, Tally) if each else None for each in (counted, earlier)]
    return result_rows(msgspec.convert(one, Poll), *tallies)


def seen(row: OptionRow) -> list[Any]:
    return [row.id, row.number, row.colour, row.pattern, row.count, row.percent, row.first, row.width, row.abstain,
            row.before]  # fmt: skip


def come_out(one: Any, counted: Any) -> list[Any]:
    whole, tallied = msgspec.convert(one, Poll), msgspec.convert(counted, Tally)
    base, majority = decision.base(whole, tallied), whole.majority
    line = [shares.needed(majority, base), shares.line(majority)] if majority else None
    return [base, decision.quorum_reached(whole, tallied), list(decision.majority_reached(whole, tallied)), line]


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_the_server_and_the_script_draw_alike() -> None:
    cases = {"polls": POLLS, "titles": TITLES, "shares": SHARES, "sizes": SIZES, "labels": LABELS, "rights": RIGHTS}
    given = json.dumps(cases)
    told = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT, given], cwd=ROOT, check=True, capture_output=True
    )
    drawn = json.loads(told.stdout)
    assert drawn["rows"] == [[seen(row) for row in drawn_rows(*each)] for each in POLLS]
    assert drawn["outcomes"] == [come_out(one, counted) for one, counted, *_ in POLLS if counted]
    assert drawn["open"] == [tally_is_seen(**each, voted=False) for each in RIGHTS]
    assert drawn["multiples"] == [list(grid_size(size)) for size in SIZES]
    assert drawn["chosen"] == [
        [row.id for row in top_rows(drawn_rows(one, counted), 3)] for one, counted, *_ in POLLS if counted
    ]
    long = ["x" * 90] * 8
    assert drawn["extras"] == [
        [density(long, "", (foot, row)), {"foot": foot, "row": row}]
        for foot, row in (extra_height(msgspec.convert(one, Poll)) for one, *_ in POLLS)
    ]
    assert drawn["titles"] == [length_class(title) for title in TITLES]
    assert drawn["shares"] == [percent(count, of) for count, of in SHARES]
    assert drawn["sizes"] == [density(labels) for labels in LABELS]
    assert drawn["cut"] == [cut_lines(labels, "", (4.0, 0.8)) for labels in LABELS]
    long = ["x" * 200]
    assert [cut_lines(long * options) for options in (8, 10, 20, 40)] == [1, 3, 1, 1]
    assert drawn["steps"] == [step_density(size) for size in SIZES]


def test_a_receipt_is_read_in_groups_of_four() -> None:
    assert group_receipt("7F3KQ2M8ABCDEFGH") == "7F3K-Q2M8-ABCD-EFGH"


@pytest.mark.parametrize(
    ("at", "read"), [("2026-11-29T00:05:09.000Z", "00:05 UTC"), ("2026-11-28T23:59:59.000Z", "2026-11-28 23:59 UTC")]
)
def test_a_moment_of_today_has_no_date(at: str, read: str) -> None:
    assert format_short_timestamp(at, "2026-11-29T11:00:00.000Z") == read
