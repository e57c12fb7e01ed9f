"""What a page made by the server shows is what the live page shows: the same rules, written twice, checked together."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from handlers.looks import density, grouped, length_class, percent, rows, step_density

ROOT = Path(__file__).parents[2]
SCRIPT = """
import { density, lengthClass, percent, rows, stepDensity } from "./static/js/tally.js";
const { polls, titles, shares, sizes, labels } = JSON.parse(process.argv[1]);
console.log(JSON.stringify({
  rows: polls.map(([poll, tally]) => rows(poll, tally).map((row) =>
    [row.id, row.number, row.colour, row.pattern, row.count, row.percent, row.first])),
  titles: titles.map(lengthClass), shares: shares.map(([a, b]) => percent(a, b)),
  sizes: labels.map((each) => density(each)), steps: sizes.map(stepDensity),
}));
"""


def poll(options: int, phase: str) -> dict[str, Any]:
    return {
        "phase": phase,
        "round": 1,
        "options": [{"id": str(n), "label": f"Option {n}"} for n in range(1, options + 1)],
    }


def tally(*counts: int) -> dict[str, Any]:
    return {"round": 1, "counts": {str(n): count for n, count in enumerate(counts, 1)}, "ballots": sum(counts)}


POLLS = [
    (poll(2, "open"), tally(3, 1)),
    (poll(2, "closed"), tally(3, 3)),
    (poll(40, "closed"), tally(*range(40))),
    (poll(3, "open"), None),
]
TITLES = ["a" * 60, "a" * 61, "a" * 121, "a" * 300, "周" * 31, "周" * 30, ""]
SHARES = [(0, 0), (0, 5), (1, 1000), (1, 200), (551, 944), (125, 1000), (999, 1000), (5, 5)]
LABELS = [["label"] * size for size in range(1, 41)] + [
    ["a long label " * times] * size for size in (1, 2, 3, 5, 7, 8, 9, 12, 14, 20, 21) for times in (3, 5, 9)
]
SIZES = [1, 2, 3, 4, 5, 7, 9, 14, 15, 20, 21, 40]


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_the_server_and_the_script_draw_alike() -> None:
    given = json.dumps({"polls": POLLS, "titles": TITLES, "shares": SHARES, "sizes": SIZES, "labels": LABELS})
    told = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT, given], cwd=ROOT, check=True, capture_output=True
    )
    drawn = json.loads(told.stdout)
    mine = [
        [[r.id, r.number, r.colour, r.pattern, r.count, r.percent, r.first] for r in rows(one, counted)]
        for one, counted in POLLS
    ]
    assert drawn["rows"] == mine
    assert drawn["titles"] == [length_class(title) for title in TITLES]
    assert drawn["shares"] == [percent(count, of) for count, of in SHARES]
    assert drawn["sizes"] == [density(labels) for labels in LABELS]
    assert drawn["steps"] == [step_density(size) for size in SIZES]


def test_a_receipt_is_read_in_groups_of_four() -> None:
    assert grouped("7F3KQ2M8ABCDEFGH") == "7F3K-Q2M8-ABCD-EFGH"
