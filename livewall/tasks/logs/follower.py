"""Reads the files of one attempt into its log: new output with its times, and gaps where the cap left bytes out.

The position is not stored. It follows from the end of the log, also after a restart.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from livewall.tasks.logs import rows
from livewall.tasks.logs.chunks import End, Mark, ordered_marks, valid_range

READ_BYTES = 1 << 20
"""The most bytes that are read of one file before the others have their turn."""
GAP_LAG_BYTES = 1 << 20
"""How many bytes the gap in the log may lag behind the hole in the growing file."""

_TIME = struct.Struct("<QQ")
_TIMES_READ = 4096

Truncation = Callable[[int, int], tuple[int, int] | None]
"""Returns the range that the cap leaves out of a file: hole(size, cap) -> (start, end), or None."""


class AttemptFiles(NamedTuple):
    output: Path
    times: Path
    cap: int
    """In bytes."""


class ReadResult(NamedTuple):
    """The result of one read of a file. It takes effect once the transaction is committed."""

    end: End
    grown: bool
    """Whether the end of the log must be published. The first read sets it, too: a restart may have prevented that."""
    read: int
    """How many bytes were read."""
    position: int
    cut: int
    ended: bool
    """Whether nothing was left to read."""


class Follower:
    """Reads the files of one attempt, whose first byte is at offset `base` of its step's log."""

    def __init__(self, task: str, step: str, files: AttemptFiles, base: int, hole: Truncation) -> None:
        self.task = task
        self.step = step
        self.files = files
        self._base = base
        self._hole = hole
        self._output = -1
        self._times = -1
        self._position = -1
        """The offset up to which the file was read; -1 before the first read."""
        self._cut = 0
        """The end of the gap in the log, as an offset of the file."""
        self._given_up = False

    def has_news(self) -> bool:
        """Return whether the file has bytes that were not read. Raises OSError."""
        return self._position < 0 or self._size() > self._position

    def read(self, c: sqlite3.Connection, now: int, *, last: bool) -> ReadResult:
        """Append new bytes to the log, at most `READ_BYTES`; with `last`, close the log once it has all of them.

        `now` is in ms since 1970. The follower itself changes only in `settle`, after the commit. Raises OSError,
        sqlite3.Error.
        """
        size = self._size()
        log = before = rows.find_or_insert(c, self.task, self.step)
        at = max(0, log.bytes - self._base)
        hole = self._truncation_of(size)
        if hole is not None and hole[0] <= at < hole[1]:
            at = hole[1]
        data, marks = self._read(at)
        # The supervisor may have punched out more of the file while it was read.
        hole = self._truncation_of(self._size()) or hole
        if log.bytes < self._base:  # the log was restored from a backup and lacks earlier bytes
            log = rows.add_gap(c, log, log.bytes, self._base)
        start, stop = valid_range(at, len(data), hole)
        cut = self._cut
        if hole is not None and start > log.bytes - self._base:
            log = rows.add_gap(c, log, self._base + hole[0], self._base + start)
            cut = start
        if stop > start:
            new_marks = [Mark(self._base + m.before, m.ms) for m in ordered_marks(marks, start, stop, now)]
            log = rows.append(c, log, data[start - at : stop - at], new_marks)
        position = log.bytes - self._base
        if hole is not None and position > hole[0]:
            hole_end = min(hole[1], position)
            if hole_end - max(cut, hole[0]) >= GAP_LAG_BYTES or (last and hole_end > cut):
                log = rows.add_gap(c, log, self._base + hole[0], self._base + hole_end)
                cut = hole_end
        ended = position >= self._size()
        if last and ended:
            log = rows.close(c, log)
        if log != before:
            rows.save(c, log, now)
        return ReadResult(log.end, self._position < 0 or log.end != before.end, len(data), position, cut, ended)

    def settle(self, result: ReadResult) -> None:
        """Take over the result of a read that was committed."""
        self._position, self._cut = result.position, result.cut

    def give_up(self) -> None:
        """Treat the files as ended, because they cannot be read."""
        self.close()
        self._given_up = True

    def close(self) -> None:
        for handle in (self._output, self._times):
            if handle >= 0:
                os.close(handle)
        self._output = self._times = -1

    # -- the files

    def _size(self) -> int:
        """Return the size of the output, or 0 if there is none yet. Once it is open, it may be deleted."""
        if self._output < 0 and not self._given_up:
            self._output = _open(self.files.output)
        return os.fstat(self._output).st_size if self._output >= 0 else 0

    def _truncation_of(self, size: int) -> tuple[int, int] | None:
        return self._hole(size, self.files.cap)

    def _read(self, at: int) -> tuple[bytes, list[Mark]]:
        if self._output < 0:
            return b"", []
        marks, complete = self._marks(at)
        limit = READ_BYTES if complete else max(1, min(READ_BYTES, marks[-1].before - at))
        return os.pread(self._output, limit, at), marks

    def _marks(self, at: int) -> tuple[list[Mark], bool]:
        """Return the times of the bytes from `at` on, and whether these are all."""
        if self._times < 0:
            self._times = _open(self.files.times)
        if self._times < 0:
            return [], True
        low, high = 0, os.fstat(self._times).st_size // _TIME.size
        while low < high:
            middle = (low + high) // 2
            if _TIME.unpack(os.pread(self._times, _TIME.size, middle * _TIME.size))[0] > at:
                high = middle
            else:
                low = middle + 1
        block = os.pread(self._times, _TIMES_READ * _TIME.size, low * _TIME.size)
        block = block[: len(block) // _TIME.size * _TIME.size]
        marks = [Mark(before, ms) for before, ms in _TIME.iter_unpack(block)]
        return marks, len(marks) < _TIMES_READ


def _open(path: Path) -> int:
    """Open a regular file without blocking; return its descriptor, or -1 if there is none. Raises OSError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return -1
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return -1
    return handle
