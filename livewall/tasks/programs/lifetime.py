"""A program ends with its supervisor: the next supervisor of the attempt runs another one."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

from livewall.tasks.process_lock import holder
from livewall.tasks.supervisor.folder import LOCK

_PR_SET_PDEATHSIG = 1


def end_with_supervisor(folder: Path) -> None:
    """Have this process killed when the process is that holds the attempt in `folder`, which started it (prctl(2))."""
    lock = folder / LOCK
    if not lock.exists():
        return  # no supervisor runs it, but somebody by hand
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), *[ctypes.c_ulong(0)] * 3)
    if holder(lock) != os.getppid():  # it has ended before the line above
        os.kill(os.getpid(), signal.SIGKILL)
