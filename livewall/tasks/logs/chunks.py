"""The arithmetic of a log: what is kept of it in one piece, when its text came, and what the cap of a file leaves.

Offsets are bytes of the log, or of an attempt's file where that is said. Nothing here reads or writes anything.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

CHUNK = 64 << 10
"""What is compressed together, in bytes."""
ROW = 8 << 10
"""The end of a log is in rows that are written anew up to this size: less is written for each line that comes."""

_MARK = struct.Struct("<Iq")
LAST_MS = 253_402_300_799_999
"""The end of the year 9999: later times come from a damaged file."""


class Sizes(NamedTuple):
    chunk: int = CHUNK
    row: int = ROW


class Mark(NamedTuple):
    """The text before `before`, and behind the mark before it, was there at `ms` (milliseconds since 1970)."""

    before: int
    ms: int


class End(NamedTuple):
    """Where a log ends. `lines` counts an unfinished last line, and a gap as a line."""

    bytes: int
    lines: int


class Piece(NamedTuple):
    start: int
    data: bytes
    marks: list[Mark]


def within(marks: Sequence[Mark], start: int, end: int) -> list[Mark]:
    """The marks of the text from `start` to `end`, the last of them cut at `end`; none where nothing reaches so far."""
    found: list[Mark] = []
    for mark in marks[bisect_right(marks, start, key=lambda m: m.before) :]:
        held = Mark(min(mark.before, end), mark.ms)
        if found and found[-1].ms == held.ms:
            found.pop()
        found.append(held)
        if mark.before >= end:
            break
    return found


def ascending(marks: Sequence[Mark], start: int, end: int, ms: int) -> list[Mark]:
    """The marks from `start` to `end` in their order, what they leave at `ms`: whatever the file of times says."""
    found: list[Mark] = []
    at = start
    for mark in marks:
        if at < min(mark.before, end) and mark.ms <= LAST_MS:
            at = min(mark.before, end)
            found.append(Mark(at, mark.ms))
    if at < end:
        found.append(Mark(end, ms))
    return found


def pack_marks(marks: Sequence[Mark], start: int) -> bytes:
    return b"".join([_MARK.pack(mark.before - start, mark.ms) for mark in marks])


def unpack_marks(data: bytes, start: int) -> list[Mark]:
    return [Mark(start + before, ms) for before, ms in _MARK.iter_unpack(data)]


def time_at(marks: Sequence[Mark], offset: int) -> int:
    """When the byte at `offset` was there, in ms since 1970."""
    place = bisect_right(marks, offset, key=lambda m: m.before)
    return marks[min(place, len(marks) - 1)].ms if marks else 0


def pack(data: bytes) -> tuple[bool, bytes]:
    """Compressed where that is smaller."""
    small = zlib.compress(data, 1)
    return (True, small) if len(small) < len(data) else (False, data)


def unpack(packed: int, data: bytes) -> bytes:
    return zlib.decompress(data) if packed else data


def pieces(start: int, data: bytes, marks: Sequence[Mark], size: int) -> Iterator[Piece]:
    """`data`, which begins at `start`, in pieces of `size`."""
    for at in range(0, len(data), size):
        part = data[at : at + size]
        yield Piece(start + at, part, within(marks, start + at, start + at + len(part)))


def nth_newline(data: bytes, n: int) -> int:
    """Where the nth newline of `data` is, counted from 1, which it must have."""
    low, high = 0, len(data)
    while high - low > 256:
        middle = (low + high) // 2
        count = data.count(b"\n", low, middle)
        if count >= n:
            high = middle
        else:
            low, n = middle, n - count
    at = low - 1
    for _ in range(n):
        at = data.index(b"\n", at + 1)
    return at


def usable(position: int, size: int, hole: tuple[int, int] | None) -> tuple[int, int]:
    """Which of the `size` bytes that were read at `position` of a file hold, as (from, to).

    `hole` is what may have been punched out of the file by the time they had been read. What lies before `from` is in
    it; an empty answer says where to go on.
    """
    end = position + size
    if hole is None or end <= hole[0] or position >= hole[1]:
        return position, end
    if position < hole[0]:
        return position, hole[0]
    return hole[1], max(hole[1], end)
