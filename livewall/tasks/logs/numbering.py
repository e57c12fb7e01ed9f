"""Which line has which number, gaps considered. Pure.

A gap is what the cap left out. It ends the line before it, is a line of its own, and what follows begins a new line.
The lines that were seen before they were left out keep their numbers: so no link to a line behind a gap goes wrong
while the gap grows. Where fewer were seen than the gap itself needs, the numbers behind it are moved up by `extra`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Gap(NamedTuple):
    start: int
    end: int
    before: int
    """Newlines that were seen before its start."""
    after: int
    """Newlines that were seen before its end."""
    broken: bool
    """Whether it cuts off a line that has begun."""

    @property
    def extra(self) -> int:
        return max(0, 1 + self.broken - (self.after - self.before))


class Segment(NamedTuple):
    """A stretch of the log without gaps, and its lines."""

    start: int
    end: int
    newlines: int
    """Newlines that were seen before its start."""
    shift: int
    """What is added to the count of newlines for the number of a line."""
    last: int
    """The number of its last line; less than `first` where it has none."""
    gap: int | None
    """The bytes of the gap that follows, whose number is `last + 1`."""

    @property
    def first(self) -> int:
        return self.newlines + self.shift + 1


class Numbering:
    """The segments of a log with so many `bytes`, `newlines`, and perhaps an unfinished (`partial`) last line."""

    def __init__(self, gaps: Sequence[Gap], size: int, newlines: int, partial: bool) -> None:
        self.segments: list[Segment] = []
        start = seen = shift = 0
        for gap in gaps:
            last = gap.before + shift + gap.broken
            self.segments.append(Segment(start, gap.start, seen, shift, last, gap.end - gap.start))
            start, seen, shift = gap.end, gap.after, shift + gap.extra
        self.lines = newlines + shift + partial
        self.segments.append(Segment(start, size, seen, shift, self.lines, None))

    def of_line(self, n: int) -> int:
        """The segment with line `n`, or the one before the gap that has it."""
        place = 0
        for number, segment in enumerate(self.segments):
            if segment.first <= n:
                place = number
        return place

    def of_offset(self, offset: int) -> int:
        """The segment with the byte at `offset`; behind a gap that has it."""
        for number, segment in enumerate(self.segments):
            if offset < segment.end:
                return number
        return len(self.segments) - 1

    def span(self, offset: int, limit: int | None = None) -> tuple[int, int]:
        """The bytes there are from `offset`, up to the next gap or `limit` bytes behind it, as (from, to).

        Where the offset is in a gap they begin behind it.
        """
        segment = self.segments[self.of_offset(offset)]
        start = min(max(offset, segment.start), segment.end)
        end = segment.end if limit is None else min(segment.end, offset + limit)
        return start, max(start, end)
