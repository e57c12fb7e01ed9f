"""The two system calls that the standard library lacks."""

from __future__ import annotations

import ctypes
import os

_PR_SET_CHILD_SUBREAPER = 36
_KEEP_SIZE = 1
_PUNCH_HOLE = 2
_libc = ctypes.CDLL(None, use_errno=True)
_fallocate = getattr(_libc, "fallocate64", None) or _libc.fallocate


def become_subreaper() -> None:
    """Let orphaned descendants become children of this process, as prctl(2) describes. Raises OSError."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), *[ctypes.c_ulong(0)] * 3):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def punch_hole(file: int, begin: int, end: int) -> bool:
    """Deallocate the blocks of [begin, end), which then read as zeros. Return False where that is not supported."""
    length = ctypes.c_int64(end - begin)
    done: int = _fallocate(ctypes.c_int(file), ctypes.c_int(_PUNCH_HOLE | _KEEP_SIZE), ctypes.c_int64(begin), length)
    return done == 0
