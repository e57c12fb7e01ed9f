"""The file of a step's output, with secrets replaced, and the file that says when its bytes arrived.

Beyond the cap, the middle of the output is left out as a hole in the file, so that offsets stay valid. On a file system
without holes the file ends at the cap, the rest is dropped, and `note` says so.
"""

from __future__ import annotations

import errno
import os
import struct
import time

from livewall.tasks.supervisor import folder
from livewall.tasks.supervisor.system import punch_hole
from livewall.tasks.supervisor.truncation import STEP, truncation

RETRY_SECONDS = 0.5
"""Seconds between two attempts to write to a full disk."""
RECORD_SECONDS = 0.1
"""Seconds of output that one record of the file `times` covers."""
RECORD = struct.Struct("<QQ")
FULL = "the disk is full"


class Output:
    """Writes without waiting. While it is `blocked`, call `write` no further: the command then waits at its full pipe.

    `error` gives the reason why the output is no longer written: the disk was full for `patience` seconds, or failed.
    An output that an earlier supervisor began is continued.
    """

    def __init__(self, where: folder.Folder, cap: int, patience: float) -> None:
        self.error = ""
        self.note = ""
        self._cap = cap
        self._patience = patience
        self._file = where.create(folder.OUTPUT, os.O_APPEND if where.resumed else os.O_TRUNC)
        self._times = where.create(folder.TIMES, 0 if where.resumed else os.O_TRUNC)
        self.size = os.fstat(self._file).st_size
        end = -(-self.size // STEP) * STEP
        self._can_punch = punch_hole(self._file, end, end + STEP)  # beyond the end: this only tests for support
        self._punched = 0
        self._skip = 0
        self._pending = b""
        self._full_since: float | None = None
        self._retry_at = 0.0
        self._records = os.fstat(self._times).st_size // RECORD.size
        self._recorded = self._last_recorded(where)
        self._record_at = 0.0
        self._last_byte = where.read_at(folder.OUTPUT, self.size - 1, 1)
        self._grown_at = os.fstat(self._file).st_mtime_ns // 1_000_000
        """When the file grew last, in milliseconds of the wall clock."""

    @property
    def blocked(self) -> bool:
        return bool(self._pending)

    def replay(self) -> None:
        """Leave out of what follows as many bytes as there are: the command prints them once more."""
        self._skip = self.size + len(self._pending)

    def begin_line(self, now: float) -> None:
        """Begin a new line, unless the last one is complete."""
        if self._last_byte not in (b"", b"\n"):
            self.write(b"\n", now)

    def write(self, data: bytes, now: float) -> None:
        """Append `data`. `now` is monotonic, here and below."""
        if self.error:
            return
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        self._last_byte = data[-1:] or self._last_byte
        if not self._can_punch and len(data) > (room := self._cap - self.size - len(self._pending)):
            data = data[: max(room, 0)]
            self.note = f"the output beyond {self._cap} bytes was left out: the file system cannot leave out a middle"
        self._pending += data
        self._flush(now)

    def next_tick(self) -> float | None:
        """Return the latest time at which `tick` must be called, or None."""
        times = []
        if self.blocked:
            times.append(self._retry_at)
        if self._recorded < self.size:
            times.append(self._record_at)
        return min(times, default=None)

    def tick(self, now: float) -> None:
        """Retry a write that the full disk refused, and record the times that are due."""
        if self.blocked and now >= self._retry_at:
            self._flush(now)
        if self._recorded < self.size and now >= self._record_at:
            self._record(now)

    def _last_recorded(self, where: folder.Folder) -> int:
        """Return the size of the output at the last of its records."""
        record = where.read_at(folder.TIMES, (self._records - 1) * RECORD.size, RECORD.size)
        return int(RECORD.unpack(record)[0]) if len(record) == RECORD.size else 0

    def give_up(self, why: str = FULL) -> None:
        """Drop what could not be written, and everything that follows."""
        self._pending = b""
        self.error = why

    def close(self) -> None:
        """Flush everything to the disk; `error` is set if that fails."""
        if self._recorded < self.size:
            self._record(0.0)
        try:
            os.fsync(self._file)
        except OSError as error:
            self.give_up(_explanation(error))

    def _flush(self, now: float) -> None:
        while self._pending:
            try:
                written = os.write(self._file, self._pending)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    return self.give_up(_explanation(error))
                if self._full_since is None:
                    self._full_since = now
                if now - self._full_since >= self._patience:
                    return self.give_up()
                self._retry_at = now + RETRY_SECONDS
                return
            self._full_since = None
            self._pending = self._pending[written:]
            self.size += written
            self._grown_at = int(time.time() * 1000)
            if self._can_punch:
                self._punch_middle()
        if now >= self._record_at:
            self._record(now)

    def _punch_middle(self) -> None:
        omitted = truncation(self.size, self._cap)
        if (
            omitted
            and omitted[1] > self._punched
            and punch_hole(self._file, max(omitted[0], self._punched), omitted[1])
        ):
            self._punched = omitted[1]

    def _record(self, now: float) -> None:
        """Record when the bytes arrived.

        The record is written at its own offset, so that one that a full disk cut short is overwritten by the next.
        """
        self._record_at = now + RECORD_SECONDS
        try:
            record = RECORD.pack(self.size, self._grown_at)
            if os.pwrite(self._times, record, self._records * RECORD.size) < RECORD.size:
                return
        except OSError:
            return  # the bytes matter more than their times, and the next record covers these too
        self._records += 1
        self._recorded = self.size


def _explanation(error: OSError) -> str:
    return f"the output cannot be written: {error.strerror}"
