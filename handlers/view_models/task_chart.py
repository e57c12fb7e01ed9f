"""The chart of a task, as static/js/task/chartlayout.js and static/js/task/states.js draw it on a live page."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHAPES = {
    "pending": "M14 9a5 5 0 1 1-10 0a5 5 0 1 1 10 0",
    "running": "M9 2.5a6.5 6.5 0 1 1-6.5 6.5",
    "waiting": "M6 4v10M12 4v10",
    "retrying": "M14 9a5 5 0 1 1-2-4M12 1.5V5H8.5",
    "succeeded": "M3.5 9.5l4 4L15 5",
    "failed": "M4 4l10 10M14 4L4 14",
    "cancelling": "M3 9h12",
    "cancelled": "M3 9h12",
    "skipped": "M4 4l6 5-6 5M13 4v10",
    "lost": "M9 2l7 7-7 7-7-7z",
}
"""The path of each state's symbol, drawn with one stroke in an 18 × 18 box."""
BOX = (200, 80)
"""The width and height of a step's box, in the units of the layout."""


def shape(state: str) -> str:
    """Return the path of a state's symbol. A state that is not known looks like `pending`."""
    return SHAPES.get(state, SHAPES["pending"])


def line_path(points: Sequence[Sequence[float]]) -> str:
    """Return the path of a line through points. It leaves and arrives horizontally."""
    (from_x, from_y), *other_points = points
    path = f"M{_one_decimal(from_x)} {_one_decimal(from_y)}"
    for to_x, to_y in other_points:
        middle = _one_decimal((from_x + to_x) / 2)
        if to_y == from_y:
            path += f"H{_one_decimal(to_x)}"
        else:
            path += f"C{middle} {_one_decimal(from_y)} {middle} {_one_decimal(to_y)} "
            path += f"{_one_decimal(to_x)} {_one_decimal(to_y)}"
        from_x, from_y = to_x, to_y
    return path


def _one_decimal(value: float) -> str:
    """Return a number with one decimal, rounded half up as scripts do, and without decimals if it is whole."""
    return f"{math.floor(value * 10 + 0.5) / 10:g}"


def edge_state(start: str, end: str) -> str:
    """Return the state of an edge: "live" if its second step runs, "done" if its first has succeeded, else "ahead"."""
    if end in ("running", "retrying"):
        return "live"
    return "done" if start == "succeeded" else "ahead"


def name_lines(name: str, length: int = 18) -> list[str]:
    """Return the name of a step in one line or two of at most `length` characters, shortened in the middle."""
    if len(name) <= length:
        return [name]
    if len(name) > 2 * length:
        return [name[:length], f"…{name[1 - length :]}"]
    middle = -(-len(name) // 2)
    # A break after a separator is preferred, if both lines fit.
    breaks = [at for at in range(len(name) - length, length + 1) if name[at - 1] in "-._"]
    at = min(breaks, key=lambda at: abs(at - middle), default=middle)
    return [name[:at], name[at:]]


def truncate(text: str, width: int) -> str:
    """Return as much of a text as fits into `width` columns. East Asian characters take two columns each."""
    used = 0
    for index, letter in enumerate(text):
        used += 2 if letter > "\u2e80" else 1
        if used > width:
            return text[: max(0, index - 1)] + "…"
    return text
