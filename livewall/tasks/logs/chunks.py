"""The arithmetic of logs: chunks, the times at which bytes arrived, and the part of a file that the cap leaves out.
Pure.

Offsets count bytes of the log, unless a docstring says that they count bytes of an attempt's file.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

CHUNK_BYTES = 64 << 10
"""The size of the chunks that are compressed, in bytes."""
ROW_BYTES = 8 << 10
"""The largest size of an open row at the end of a log. Each append rewrites the last row, so rows are small."""

_MARK = struct.Struct("<Iq")
LAST_MS = 253_402_300_799_999
"""The end of the year 9999. Later times come from a damaged file."""


class Sizes(NamedTuple):
    chunk: int = CHUNK_BYTES
    row: int = ROW_BYTES


class Mark(NamedTuple):
    """The bytes from the previous mark up to the offset `before` arrived at `ms`, in milliseconds since 1970."""

    before: int
    ms: int


class End(NamedTuple):
    """The end of a log. `lines` counts an unfinished last line, and each gap, as a line."""

    bytes: int
    lines: int


class Piece(NamedTuple):
    """A part of a log from the offset `start` on, with the marks of its times."""

    start: int
    data: bytes
    marks: list[Mark]


def marks_between(marks: Sequence[Mark], start: int, end: int) -> list[Mark]:
    """Return the marks of the bytes from `start` to `end`. The last mark is cut at `end`."""
    marks_within: list[Mark] = []
    for mark in marks[bisect_right(marks, start, key=lambda m: m.before) :]:
        held = Mark(min(mark.before, end), mark.ms)
        if marks_within and marks_within[-1].ms == held.ms:
            marks_within.pop()
        marks_within.append(held)
        if mark.before >= end:
            break
    return marks_within


def ordered_marks(marks: Sequence[Mark], start: int, end: int, ms: int) -> list[Mark]:
    """Return ascending marks for the bytes from `start` to `end`, even from a damaged file.

    `ms` covers what is missing.
    """
    ordered: list[Mark] = []
    at = start
    for mark in marks:
        if at < min(mark.before, end) and mark.ms <= LAST_MS:
            at = min(mark.before, end)
            ordered.append(Mark(at, mark.ms))
    if at < end:
        ordered.append(Mark(end, ms))
    return ordered


def pack_marks(marks: Sequence[Mark], start: int) -> bytes:
    return b"".join([_MARK.pack(mark.before - start, mark.ms) for mark in marks])


def unpack_marks(data: bytes, start: int) -> list[Mark]:
    return [Mark(start + before, ms) for before, ms in _MARK.iter_unpack(data)]


def time_at(marks: Sequence[Mark], offset: int) -> int:
    """Return when the byte at `offset` arrived, in ms since 1970."""
    index = bisect_right(marks, offset, key=lambda m: m.before)
    return marks[min(index, len(marks) - 1)].ms if marks else 0


def pack(data: bytes) -> tuple[bool, bytes]:
    """Return whether the data is compressed, and the data: compressed only where that is smaller."""
    compressed = zlib.compress(data, 1)
    return (True, compressed) if len(compressed) < len(data) else (False, data)


def unpack(packed: int, data: bytes) -> bytes:
    return zlib.decompress(data) if packed else data


def pieces(start: int, data: bytes, marks: Sequence[Mark], size: int) -> Iterator[Piece]:
    """Yield `data`, which begins at `start`, in pieces of `size` bytes."""
    for at in range(0, len(data), size):
        part = data[at : at + size]
        yield Piece(start + at, part, marks_between(marks, start + at, start + at + len(part)))


def nth_newline(data: bytes, n: int) -> int:
    """Return the position of the nth newline of `data`, counted from 1. There must be so many."""
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


def valid_range(position: int, size: int, hole: tuple[int, int] | None) -> tuple[int, int]:
    """Return which of the `size` bytes that were read at `position` of a file are valid, as (start, end).

    `hole` is the range that may have been punched out of the file by the time the bytes had been read. If the result
    is empty, continue reading at its start.
    """
    end = position + size
    if hole is None or end <= hole[0] or position >= hole[1]:
        return position, end
    if position < hole[0]:
        return position, hole[0]
    return hole[1], max(hole[1], end)
