"""A program ends with its supervisor: the next supervisor of the attempt runs another one."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import struct
from contextlib import suppress
from pathlib import Path

from livewall.tasks.supervisor.folder import LOCK

_PR_SET_PDEATHSIG = 1
_FLOCK = struct.Struct("@hhqqi0q")


def end_with_supervisor(folder: Path) -> None:
    """Have this process killed when the process is that holds the attempt in `folder`, which started it (prctl(2))."""
    lock = folder / LOCK
    if not lock.exists():
        return  # no supervisor runs it, but somebody by hand
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), *[ctypes.c_ulong(0)] * 3)
    with suppress(FileNotFoundError):
        file = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
        try:
            query = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, holder = _FLOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, query))
        finally:
            os.close(file)
        if kind == fcntl.F_UNLCK or holder != os.getppid():  # it has ended before the line above
            os.kill(os.getpid(), signal.SIGKILL)
