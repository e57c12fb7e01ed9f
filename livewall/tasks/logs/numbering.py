"""The numbers of lines in a log with gaps. Pure.

A gap stands for bytes that the cap left out. It ends the line before it, counts as a line of its own, and a new line
begins after it. Lines that were in the log before they were left out keep their numbers, so that links to lines after
the gap stay valid while it grows. If these are fewer lines than the gap needs, later numbers are shifted by `extra`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Gap(NamedTuple):
    """The bytes from `start` to `end`, which are left out."""

    start: int
    end: int
    before: int
    """Newlines of the log before its start."""
    after: int
    """Newlines of the log before its end, including those that were left out after they had been read."""
    broken: bool
    """Whether it begins in the middle of a line."""

    @property
    def extra(self) -> int:
        return max(0, 1 + self.broken - (self.after - self.before))


class Segment(NamedTuple):
    """A part of the log without gaps, and the numbers of its lines."""

    start: int
    end: int
    newlines: int
    """Newlines of the log before its start."""
    shift: int
    """The difference between the number of a line and the count of newlines."""
    last: int
    """The number of its last line; less than `first` if it has no line."""
    gap: int | None
    """The size of the gap that follows, which has the line number `last + 1`; None at the end."""

    @property
    def first(self) -> int:
        return self.newlines + self.shift + 1


class Numbering:
    """The segments of a log of `size` bytes with `newlines`, and possibly an unfinished (`partial`) last line."""

    def __init__(self, gaps: Sequence[Gap], size: int, newlines: int, partial: bool) -> None:
        self.segments: list[Segment] = []
        start = newlines_before = shift = 0
        for gap in gaps:
            last = gap.before + shift + gap.broken
            self.segments.append(Segment(start, gap.start, newlines_before, shift, last, gap.end - gap.start))
            start, newlines_before, shift = gap.end, gap.after, shift + gap.extra
        self.lines = newlines + shift + partial
        self.segments.append(Segment(start, size, newlines_before, shift, self.lines, None))

    def of_line(self, n: int) -> int:
        """Return the index of the segment with line `n`, or of the one before the gap with that number."""
        index = 0
        for number, segment in enumerate(self.segments):
            if segment.first <= n:
                index = number
        return index

    def of_offset(self, offset: int) -> int:
        """Return the index of the segment with the byte at `offset`, or of the one after the gap that contains it."""
        for number, segment in enumerate(self.segments):
            if offset < segment.end:
                return number
        return len(self.segments) - 1

    def span(self, offset: int, limit: int | None = None) -> tuple[int, int]:
        """Return the range of bytes from `offset` up to the next gap, at most `limit`, as (start, end).

        If the offset is in a gap, the range begins after it.
        """
        segment = self.segments[self.of_offset(offset)]
        start = min(max(offset, segment.start), segment.end)
        end = segment.end if limit is None else min(segment.end, offset + limit)
        return start, max(start, end)
