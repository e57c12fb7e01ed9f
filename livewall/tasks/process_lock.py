"""Who holds a lock file for life: a supervisor the one of its attempt, a connector the one of its task.

A POSIX lock belongs to its process, no child inherits it, and F_GETLK names its holder (fcntl(2)). It needs the
standard library only.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

_FLOCK = struct.Struct("@hhqqi0q")


def holder(lock: Path) -> int | None:
    """Return the pid of the process that holds the lock, or None. Raises OSError."""
    try:
        file = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        query = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, query))
    finally:
        os.close(file)
    return None if kind == fcntl.F_UNLCK else pid


def pidfd_of_holder(lock: Path) -> int | None:
    """Return a pidfd of the process that holds the lock, which the caller must close, or None."""
    while (pid := holder(lock)) is not None:
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        if holder(lock) == pid:  # otherwise the pid may have been reused before pidfd_open
            return process
        os.close(process)
    return None
