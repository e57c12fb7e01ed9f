"""Fewer points of a curve, chosen so that its shape stays."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from livewall.clock import moment


class Point(Protocol):
    """The counts at one time."""

    @property
    def at(self) -> str: ...

    @property
    def counts(self) -> Mapping[str, int]: ...


P = TypeVar("P", bound=Point)


def thin(items: Sequence[P], most: int) -> list[P]:
    """Return at most `most` of the points, the first and the last among them, so that the shape stays.

    The path from the first to the last point is cut into equal parts, whose length is half time and half movement of
    the counts. The last point of each part is kept, so more points are kept where the counts move much.
    """
    if len(items) <= most:
        return list(items)
    times = [moment(item.at).timestamp() for item in items]
    steps = [_moved(a, b) for a, b in itertools.pairwise(items)]
    passed = [max(0.0, b - a) for a, b in itertools.pairwise(times)]
    movement, time = sum(steps) or 1, sum(passed) or 1.0
    parts = most - 1
    kept, length, part = [items[0]], 0.0, -1
    held: P | None = None
    for item, step, gap in zip(items[1:], steps, passed, strict=True):
        length += (step / movement + gap / time) / 2
        part_index = min(parts - 1, int(length * parts))
        if part_index != part and held is not None:
            kept.append(held)
        held, part = item, part_index
    if held is not None:
        kept.append(held)
    return kept


def _moved(before: Point, after: Point) -> int:
    """Return how many marks were added or removed between two points."""
    return sum(abs(n - before.counts.get(option_id, 0)) for option_id, n in after.counts.items())
