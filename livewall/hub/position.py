"""Positions: where a reader stands in a view of a stream, `EPOCH.N`, or `EPOCH~.N` in the masked view."""

from __future__ import annotations

import re
from enum import IntFlag
from typing import NamedTuple


class View(IntFlag):
    """The part of a stream that a reader may see. A stream has one or two views, each with its own chain of `prev`.

    NONE marks events that only rules read (who owns a task, whether it is active on a wall); no reader gets them.
    """

    NONE = 0
    FULL = 1
    MASKED = 2
    BOTH = 3


class Position(NamedTuple):
    epoch: str
    view: View
    n: int

    def __str__(self) -> str:
        return f"{prefix(self.epoch, self.view)}{self.n}"


_FORM = re.compile(r"([0-9a-z]{1,32})(~?)\.(0|[1-9][0-9]{0,17})")


def prefix(epoch: str, view: View) -> str:
    """Return the text before N in every position of this view."""
    return f"{epoch}~." if view is View.MASKED else f"{epoch}."


def parse(text: str) -> Position | None:
    """Return the position in `text`, or None: a text that cannot be read is treated as a position of another server."""
    if len(text) > 60:
        return None
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    return Position(match[1], View.MASKED if match[2] else View.FULL, int(match[3]))
