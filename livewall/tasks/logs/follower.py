"""Following the files of one attempt: what has come since, with its times, without what the cap left out.

Nothing is kept here of where it stands: the end of the log says so, also after a restart.
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
from livewall.tasks.logs.chunks import End, Mark, ascending, usable

PIECE = 1 << 20
"""The most that is read of one file before the others have their turn, in bytes."""
LAG = 1 << 20
"""By how much the gap in the log may be behind the hole in the file while it grows."""

_TIME = struct.Struct("<QQ")
_TIMES = 4096

Truncation = Callable[[int, int], tuple[int, int] | None]
"""What the cap leaves out of a file of so many bytes: hole(size, cap), as (from, to)."""


class AttemptFiles(NamedTuple):
    output: Path
    times: Path
    cap: int
    """In bytes."""


class Turn(NamedTuple):
    """What one turn made of a log. It counts once it is committed."""

    end: End
    moved: bool
    """Also in the first turn: nobody knows what was told before a restart."""
    read: int
    """The bytes that were read for it."""
    position: int
    cut: int
    ended: bool
    """Whether nothing was left to read."""


class Follower:
    """The files of one attempt, whose first byte is at `base` of its step's log."""

    def __init__(self, task: str, step: str, files: AttemptFiles, base: int, hole: Truncation) -> None:
        self.task = task
        self.step = step
        self.files = files
        self._base = base
        self._hole = hole
        self._output = -1
        self._times = -1
        self._position = -1
        """Where the file was read up to; -1 before the first turn."""
        self._cut = 0
        """Where the gap in the log ends, as an offset of the file."""
        self._given_up = False

    def has_news(self) -> bool:
        """Whether there is more than was read. Raises OSError."""
        return self._position < 0 or self._size() > self._position

    def turn(self, c: sqlite3.Connection, now: int, *, last: bool) -> Turn:
        """Take in what has come, at most `PIECE`; with `last`, close the log once all is in it. `now` in ms.

        Changes nothing here: `settle` does, when it is committed. Raises OSError, sqlite3.Error.
        """
        size = self._size()
        log = before = rows.make(c, self.task, self.step)
        at = max(0, log.bytes - self._base)
        hole = self._truncation_of(size)
        if hole is not None and hole[0] <= at < hole[1]:
            at = hole[1]
        data, marks = self._read(at)
        hole = self._truncation_of(self._size()) or hole
        if log.bytes < self._base:  # what was before is lost: a database that was put back
            log = rows.cut(c, log, log.bytes, self._base)
        start, stop = usable(at, len(data), hole)
        cut = self._cut
        if hole is not None and start > log.bytes - self._base:
            log = rows.cut(c, log, self._base + hole[0], self._base + start)
            cut = start
        if stop > start:
            held = ascending(marks, start, stop, now)
            log = rows.append(c, log, data[start - at : stop - at], [Mark(self._base + m.before, m.ms) for m in held])
        position = log.bytes - self._base
        if hole is not None and position > hole[0]:
            reach = min(hole[1], position)
            if reach - max(cut, hole[0]) >= LAG or (last and reach > cut):
                log = rows.cut(c, log, self._base + hole[0], self._base + reach)
                cut = reach
        ended = position >= self._size()
        if last and ended:
            log = rows.close(c, log)
        if log != before:
            rows.save(c, log, now)
        return Turn(log.end, self._position < 0 or log.end != before.end, len(data), position, cut, ended)

    def settle(self, turn: Turn) -> None:
        """That turn was committed."""
        self._position, self._cut = turn.position, turn.cut

    def give_up(self) -> None:
        """Take what there is for all: the files cannot be read."""
        self.close()
        self._given_up = True

    def close(self) -> None:
        for handle in (self._output, self._times):
            if handle >= 0:
                os.close(handle)
        self._output = self._times = -1

    # -- the files

    def _size(self) -> int:
        """Of the output; it need not be there yet. Once open, it may be deleted."""
        if self._output < 0 and not self._given_up:
            self._output = _open(self.files.output)
        return os.fstat(self._output).st_size if self._output >= 0 else 0

    def _truncation_of(self, size: int) -> tuple[int, int] | None:
        return self._hole(size, self.files.cap)

    def _read(self, at: int) -> tuple[bytes, list[Mark]]:
        if self._output < 0:
            return b"", []
        marks, whole = self._marks(at)
        most = PIECE if whole else max(1, min(PIECE, marks[-1].before - at))
        return os.pread(self._output, most, at), marks

    def _marks(self, at: int) -> tuple[list[Mark], bool]:
        """The times of the text from `at` on; False when there are more of them."""
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
        block = os.pread(self._times, _TIMES * _TIME.size, low * _TIME.size)
        block = block[: len(block) // _TIME.size * _TIME.size]
        found = [Mark(before, ms) for before, ms in _TIME.iter_unpack(block)]
        return found, len(found) < _TIMES


def _open(path: Path) -> int:
    """A file to read, -1 where there is none; it must be one, and nothing is waited for. Raises OSError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return -1
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return -1
    return handle
