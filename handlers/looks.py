"""How polls look on a page made by the server: what static/js/tally.js works out for a page that lives."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

COLOURS = 8
PATTERNS = 4
DENSITIES = (
    # name, options at most, columns, letters in a line, height of a line, height of all the rest of a row
    ("pair", 2, 1, 29, 3.5, 7.7),
    ("few", 4, 1, 50, 2.7, 5.6),
    ("some", 6, 1, 60, 2.3, 3.8),
    ("many", 8, 1, 74, 1.9, 2.7),
    ("dense", 8, 1, 101, 1.4, 2.6),
    ("dense-cut", 8, 1, 116, 1.2, 1.8),
    ("two", 14, 2, 31, 1.9, 3.1),
    ("two-tight", 20, 2, 38, 1.6, 2.1),
    ("two-least", 20, 2, 49, 1.2, 1.3),
    ("two-cut", 20, 2, 49, 1.2, 1.3),
    ("three", 40, 3, 28, 1.2, 1.1),
    ("three-cut", 40, 3, 28, 1.2, 1.1),
)
"""How the rows of the poster may stand, the largest letters first; heights in hundredths of its width."""
ROOM = {"short": 37.0, "medium": 34.5, "long": 34.5, "endless": 30.0}
"""The height that a question leaves to the rows."""
LINES = 3
"""A label may have so many lines before smaller letters are tried."""


@dataclass(frozen=True)
class Row:
    """One option, in its place; `first` only when the poll is closed."""

    id: str
    label: str
    number: int
    colour: int
    pattern: int
    count: int
    percent: str
    width: str
    first: bool

    @property
    def count_text(self) -> str:
        return number(self.count)


def number(value: int) -> str:
    return f"{value:,}"


def rows(poll: dict[str, Any], tally: dict[str, Any] | None) -> list[Row]:
    counts = tally["counts"] if tally else {}
    ballots = tally["ballots"] if tally else 0
    most = max([0, *counts.values()])
    return [
        Row(
            id=option["id"],
            label=option["label"],
            number=index + 1,
            colour=index % COLOURS + 1,
            pattern=(index + index // COLOURS) % PATTERNS + 1,
            count=(count := counts.get(option["id"], 0)),
            percent=percent(count, ballots),
            width=share_width(count / ballots if ballots else 0),
            first=bool(tally) and poll["phase"] == "closed" and most > 0 and count == most,
        )
        for index, option in enumerate(poll["options"])
    ]


def percent(count: int, of: int) -> str:
    """Whole per cent, but "100%" only for all of them and "0%" only for none."""
    if not of or not count:
        return "0%"
    if count >= of:
        return "100%"
    share = 100 * count / of
    if share < 0.5:
        return "<1%"
    if share >= 99.5:
        return ">99%"
    return f"{int(share + 0.5)}%"


def share_width(share: float) -> str:
    return f"{min(1.0, share) * 100:.1f}%"


def letters(text: str) -> int:
    """Letters, the wide ones twice."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def length_class(title: str) -> str:
    """A question longer than this needs smaller letters; wide letters count twice."""
    length = letters(title)
    if length <= 60:
        return "short"
    if length <= 120:
        return "medium"
    return "long" if length <= 210 else "endless"


def density(labels: Sequence[str], title: str = "") -> str:
    """How the rows of the poster stand: the largest letters with which every label is whole, else the tightest."""
    lengths = [letters(label) for label in labels]
    options, room, found = len(labels), ROOM[length_class(title)], "three-cut"
    columns_wanted = 1 if options <= 8 else 2 if options <= 20 else 3
    for name, most, columns, line, height, rest in DENSITIES:
        if columns != columns_wanted or options > most:
            continue
        found = name
        lines = [max(1, -(-length // line)) for length in lengths]
        rows = -(-options // columns)
        tallest = max(sum(lines[i : i + rows]) for i in range(0, max(1, options), rows or 1)) if lines else 0
        if max(lines, default=0) <= LINES and tallest * height + rows * rest <= room:
            break
    return found


def step_density(steps: int) -> str:
    """How dense the steps of a task on the projector are."""
    for most, name in ((8, "few"), (13, "some"), (26, "two")):
        if steps <= most:
            return name
    return "three"


def grouped(receipt: str) -> str:
    return "-".join(receipt[i : i + 4] for i in range(0, len(receipt), 4))
