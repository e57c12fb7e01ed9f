"""The installed server with a stopwatch at its event loop: stopwatch.py REPORT LIVEWALL ARGUMENTS…

Every callback of the loop that takes more than 5 ms of its thread's CPU is a line in REPORT: the milliseconds, and what
it was. Time in which the thread waits, for a core or for the interpreter's lock, does not count. The product knows
nothing of this.
"""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
import time
from pathlib import Path

NOTED = 0.005


def watch(path: str) -> None:
    run = asyncio.Handle._run
    report = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def timed(handle: asyncio.Handle) -> None:
        callback = handle._callback  # type: ignore[attr-defined]
        start = time.thread_time()
        try:
            run(handle)
        finally:
            took = time.thread_time() - start
            if took > NOTED:
                what = repr(getattr(callback, "__self__", callback)).replace("\n", " ")
                os.write(report, f"{took * 1000:.1f} {what}\n".encode())

    setattr(asyncio.Handle, "_run", timed)  # noqa: B010


def noted(path: Path, start: int = 0) -> list[tuple[float, str]]:
    """What the report says from its line `start` on, the longest first: milliseconds and what it was."""
    lines = path.read_text().splitlines()[start:] if path.exists() else []
    found = [(float(took), what) for took, _, what in (line.partition(" ") for line in lines)]
    return sorted(found, reverse=True)


if __name__ == "__main__":
    del sys.path[0]  # what lies beside this file must not be taken for the standard library
    watch(sys.argv[1])
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
