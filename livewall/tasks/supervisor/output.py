"""The output file: what the step printed, secrets replaced, the middle left out beyond the cap; and when it came.

Offsets stay true: the file is as long as all that was printed, with a hole where bytes were left out. On a file system
that cannot make holes the file ends at the cap, what is printed beyond is dropped, and `note` says so.
"""

from __future__ import annotations

import errno
import os
import struct
import time

from livewall.tasks.supervisor import folder
from livewall.tasks.supervisor.system import punch
from livewall.tasks.supervisor.truncation import STEP, truncation

RETRY = 0.5
"""Seconds between two tries on a full disk."""
GROWTH = 0.1
"""Seconds within which growth is one record of `times`."""
RECORD = struct.Struct("<QQ")
FULL = "the disk is full"


class Output:
    """Never waits. While `blocked`, nothing more may be written: the command waits at its full pipe.

    `error` says why nothing is written any more: the disk was full for `patience` seconds, or failed.
    """

    def __init__(self, where: folder.Folder, cap: int, patience: float) -> None:
        self.size = 0
        self.error = ""
        self.note = ""
        self._cap = cap
        self._patience = patience
        self._file = where.create(folder.OUTPUT)
        self._times = where.create(folder.TIMES)
        self._holes = punch(self._file, 0, STEP)  # of an empty file: only asks whether it can be done
        self._punched = 0
        self._pending = b""
        self._full_since: float | None = None
        self._retry_at = 0.0
        self._recorded = 0
        self._records = 0
        self._record_at = 0.0
        self._grown_at = 0
        """Milliseconds of the wall clock."""

    @property
    def blocked(self) -> bool:
        return bool(self._pending)

    def write(self, data: bytes, now: float) -> None:
        """`now` is of the monotonic clock, here and below."""
        if self.error:
            return
        if not self._holes and len(data) > (room := self._cap - self.size - len(self._pending)):
            data = data[: max(room, 0)]
            self.note = f"the output beyond {self._cap} bytes was left out: the file system cannot leave out a middle"
        self._pending += data
        self._flush(now)

    def due(self) -> float | None:
        """When `tick` wants to be called, at the latest."""
        times = []
        if self.blocked:
            times.append(self._retry_at)
        if self._recorded < self.size:
            times.append(self._record_at)
        return min(times, default=None)

    def tick(self, now: float) -> None:
        if self.blocked and now >= self._retry_at:
            self._flush(now)
        if self._recorded < self.size and now >= self._record_at:
            self._record(now)

    def give_up(self, why: str = FULL) -> None:
        """Drop what could not be written, and all that comes."""
        self._pending = b""
        self.error = why

    def close(self) -> None:
        """All that was written is on the disk then; if it cannot be, `error` says so."""
        if self._recorded < self.size:
            self._record(0.0)
        try:
            os.fsync(self._file)
        except OSError as error:
            self.give_up(_words(error))

    def _flush(self, now: float) -> None:
        while self._pending:
            try:
                written = os.write(self._file, self._pending)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    return self.give_up(_words(error))
                if self._full_since is None:
                    self._full_since = now
                if now - self._full_since >= self._patience:
                    return self.give_up()
                self._retry_at = now + RETRY
                return
            self._full_since = None
            self._pending = self._pending[written:]
            self.size += written
            self._grown_at = int(time.time() * 1000)
            if self._holes:
                self._leave_out()
        if now >= self._record_at:
            self._record(now)

    def _leave_out(self) -> None:
        found = truncation(self.size, self._cap)
        if found and found[1] > self._punched and punch(self._file, max(found[0], self._punched), found[1]):
            self._punched = found[1]

    def _record(self, now: float) -> None:
        """Note when the bytes came. At its place, so that a disk that fills up inside a record cuts none."""
        self._record_at = now + GROWTH
        try:
            record = RECORD.pack(self.size, self._grown_at)
            if os.pwrite(self._times, record, self._records * RECORD.size) < RECORD.size:
                return
        except OSError:
            return  # the bytes matter more than their times, and the next record covers these too
        self._records += 1
        self._recorded = self.size


def _words(error: OSError) -> str:
    return f"the output cannot be written: {error.strerror}"
