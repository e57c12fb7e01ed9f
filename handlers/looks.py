"""How polls look on a page made by the server: what static/js/tally.js works out for a page that lives."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

COLOURS = 8
PATTERNS = 4
LINE = 42
"""Letters of a label that surely fit one line of the poster."""


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


def density(labels: Sequence[str]) -> str:
    """How dense the rows of the poster are: two columns from nine on, three beyond twenty; long labels count more."""
    options = len(labels)
    lines = options + sum(letters(label) > LINE for label in labels) / 2
    for most, name in ((2, "pair"), (4, "few"), (6, "some")):
        if lines <= most:
            return name
    for most, name in ((8, "many"), (14, "two"), (20, "two-tight")):
        if options <= most:
            return name
    return "three"


def step_density(steps: int) -> str:
    """How dense the steps of a task on the projector are."""
    for most, name in ((8, "few"), (13, "some"), (26, "two")):
        if steps <= most:
            return name
    return "three"


def grouped(receipt: str) -> str:
    return "-".join(receipt[i : i + 4] for i in range(0, len(receipt), 4))
