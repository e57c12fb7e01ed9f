"""The layout of the screen: how dense the rows of a poll, the steps of a task and the results of a wall are.

The page's scripts compute the same: static/js/poll/density.js, static/js/task/steplist.js, static/js/wall/results.js.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from livewall.tasks.machine import Step
from livewall.voting.poll import Poll, abstention

DENSITIES = (
    # name, most options, columns, width of a line in letters, height of a line, height of the rest of a row
    ("pair", 2, 1, 29, 3.5, 11.0),
    ("large", 3, 1, 42, 3.1, 7.6),
    ("few", 4, 1, 50, 2.7, 5.8),
    ("some", 6, 1, 56, 2.3, 3.6),
    ("many", 8, 1, 62, 2.1, 2.4),
    ("dense", 8, 1, 62, 2.0, 1.7),
    ("dense-two", 8, 1, 66, 1.95, 0.95),
    ("dense-cut", 8, 1, 66, 1.95, 1.7),
    ("two", 14, 2, 25, 2.1, 2.3),
    ("two-tight", 20, 2, 31, 2.0, 1.6),
    ("two-small", 20, 2, 31, 1.95, 0.95),
    ("two-cut", 20, 2, 31, 1.95, 1.1),
    ("three", 40, 3, 17, 1.95, 0.65),
    ("three-cut", 40, 3, 17, 1.95, 0.5),
)
"""The densities of the rows, from the largest letters to the smallest. Heights are in hundredths of the width of the
screen."""
ROOM = {"short": 37.0, "medium": 34.5, "long": 34.5, "endless": 30.0}
"""The height that is left for the rows, by the length of the question."""
LINES = 4
"""The number of lines that a label may take before smaller letters are tried."""


def extra_height(poll: Poll) -> tuple[float, float]:
    """Return the height of the line below the rows and of the line beside each row, in hundredths of the width."""
    foot = poll.majority or poll.compare or abstention(poll.options)
    if not (poll.compare and poll.round > 1):
        return (4.0 if foot else 0.0), 0.0
    return 4.0, 1.2 if column_count(len(poll.options)) == 1 else 0.8


def column_count(options: int) -> int:
    """Return the number of columns for so many options."""
    return 1 if options <= 8 else 2 if options <= 20 else 3


def text_width(text: str) -> int:
    """Return the width of a text in letters. Wide letters count twice."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def length_class(title: str) -> str:
    """Return "short", "medium", "long" or "endless", which decides the size of a question's letters."""
    length = text_width(title)
    if length <= 60:
        return "short"
    if length <= 120:
        return "medium"
    return "long" if length <= 210 else "endless"


def density(labels: Sequence[str], title: str = "", extra: tuple[float, float] = (0.0, 0.0)) -> str:
    """Return the first density in which every label is shown as a whole, or else the densest one."""
    widths = [text_width(label) for label in labels]
    options, room, densest = len(labels), ROOM[length_class(title)] - extra[0], "three-cut"
    for name, max_options, columns, line_width, line_height, extra_height in DENSITIES:
        # The columns depend on the number of options alone, so that rows keep their places while labels change.
        if columns != column_count(options) or options > max_options:
            continue
        densest = name
        lines = [max(1, -(-width // line_width)) for width in widths]
        rows = -(-options // columns)
        tallest = max(sum(lines[i : i + rows]) for i in range(0, max(1, options), rows or 1)) if lines else 0
        if max(lines, default=0) <= LINES and tallest * line_height + rows * (extra_height + extra[1]) <= room:
            break
    return densest


def cut_lines(labels: Sequence[str], title: str = "", extra: tuple[float, float] = (0.0, 0.0)) -> int:
    """Return how many lines of each label fit where the densest rows have to cut some of them."""
    name = density(labels, title, extra)
    height, extra_height = next((height, extra) for each, _, _, _, height, extra in DENSITIES if each == name)
    rows = max(1, -(-len(labels) // column_count(len(labels))))
    room = ROOM[length_class(title)] - extra[0] - rows * (extra_height + extra[1])
    return min(LINES, max(1, int(room / (rows * height))))


def grid_size(polls: int) -> tuple[int, int, int]:
    """Return the columns of the results at the end of a wall, the options of each poll, and the polls that fit."""
    for max_polls, columns, options in ((1, 1, 8), (2, 2, 8), (4, 2, 3), (6, 3, 3)):
        if polls <= max_polls:
            return columns, options, polls
    return 3, 2, min(polls, 9)


def step_density(steps: int) -> str:
    """Return how dense the steps of a task are."""
    for max_steps, name in ((8, "few"), (13, "some"), (26, "two")):
        if steps <= max_steps:
            return name
    return "three"


def visible_steps(steps: Sequence[Step], count: int = 44) -> list[Step]:
    """Return the steps that fit: those that need attention or run first, then the others in their order."""
    if len(steps) <= count:
        return list(steps)
    urgent = {state: rank for rank, state in enumerate(("failed", "lost", "running", "retrying", "waiting"))}
    return sorted(steps, key=lambda step: urgent.get(step.state, len(urgent)))[:count]
