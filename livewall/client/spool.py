"""A bounded buffer of bytes that wait to be sent, first in, first out. If it is full, the middle is left out."""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from threading import RLock
from typing import Protocol


class SpoolStorage(Protocol):
    """Storage that is addressed by position. Writing may raise OSError, for example if the disk is full."""

    def write(self, at: int, data: memoryview) -> None: ...

    def read(self, at: int, count: int) -> bytes: ...


class MemoryStorage:
    """Memory that is allocated when it is first written to."""

    def __init__(self, size: int) -> None:
        self._pages = mmap.mmap(-1, size)

    def write(self, at: int, data: memoryview) -> None:
        self._pages[at : at + len(data)] = data.tobytes()

    def read(self, at: int, count: int) -> bytes:
        return self._pages[at : at + count]


class DiskStorage:
    """An unlinked temporary file, which disappears with its process. Raises OSError if none can be made."""

    def __init__(self) -> None:
        self._file, name = tempfile.mkstemp(prefix="livewall-")
        weakref.finalize(self, os.close, self._file)
        os.unlink(name)

    def write(self, at: int, data: memoryview) -> None:
        while data:
            written = os.pwrite(self._file, data, at)
            data, at = data[written:], at + written

    def read(self, at: int, count: int) -> bytes:
        parts = []
        while count and (part := os.pread(self._file, count, at)):
            parts.append(part)
            at, count = at + len(part), count - len(part)
        return b"".join(parts)


class Ring:
    """A ring buffer in `size` bytes of a storage, from `base` on."""

    def __init__(self, storage: SpoolStorage, base: int, size: int) -> None:
        self._storage, self._base, self.size = storage, base, size
        self._start = 0
        self.length = 0

    def put(self, data: memoryview) -> None:
        """Append data, which must fit."""
        at = (self._start + self.length) % self.size
        first = min(len(data), self.size - at)
        self._storage.write(self._base + at, data[:first])
        self._storage.write(self._base, data[first:])
        self.length += len(data)

    def peek(self, count: int) -> bytes:
        count = min(count, self.length)
        first = min(count, self.size - self._start)
        data = self._storage.read(self._base + self._start, first)
        return data + self._storage.read(self._base, count - first) if count > first else data

    def drop(self, count: int) -> None:
        self._start = (self._start + count) % self.size
        self.length -= count


class Spool:
    """Bytes that one thread writes and another one reads.

    When `size` bytes wait, new data replaces the oldest of the second half; the first half stays. A line in the place
    of missing bytes says how many they are.
    """

    def __init__(self, size: int, storage: SpoolStorage | None = None) -> None:
        half = size // 2
        storage = storage or MemoryStorage(2 * half)
        self._front, self._back = Ring(storage, 0, half), Ring(storage, half, half)
        self._gap = 0  # bytes left out between the two
        self._notice = b""
        self._lock = RLock()  # reentrant, because a finalizer may log while the lock is held
        self.left_out = 0

    def __len__(self) -> int:
        """Return how many bytes wait."""
        with self._lock:
            return len(self._notice) + self._front.length + self._back.length

    def write(self, data: bytes) -> None:
        """Append data without waiting or failing. Data that cannot be stored is left out."""
        remaining = memoryview(data)
        with self._lock:
            try:
                if not self._back.length and not self._gap:
                    fits = remaining[: self._front.size - self._front.length]
                    self._front.put(fits)
                    remaining = remaining[len(fits) :]
                if not remaining:
                    return
                if len(remaining) > self._back.size:
                    self._leave_out(len(remaining) - self._back.size)
                    remaining = remaining[-self._back.size :]
                over = len(remaining) - (self._back.size - self._back.length)
                if over > 0:
                    self._back.drop(over)
                    self._leave_out(over)
                self._back.put(remaining)
            except OSError:
                self._leave_out(len(remaining))

    def peek(self, count: int) -> bytes:
        """Return the next bytes, the same ones until `drop`; empty if none wait."""
        with self._lock:
            if not self._notice and not self._front.length and (self._back.length or self._gap):
                if self._gap:
                    self._notice = f"\n[… {self._gap} bytes left out …]\n".encode()
                self._front, self._back, self._gap = self._back, self._front, 0
            return self._notice or self._front.peek(count)

    def drop(self, count: int) -> None:
        """Remove the first `count` bytes of what `peek` returned."""
        with self._lock:
            if self._notice:
                self._notice = self._notice[count:]
            else:
                self._front.drop(count)

    def _leave_out(self, count: int) -> None:
        self._gap += count
        self.left_out += count
