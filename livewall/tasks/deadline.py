"""A limit of CPU time for a piece of code that cannot be asked to stop, such as a regular expression."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooLong(Exception):
    """The piece of code took longer than it may."""


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raises TooLong inside when the process has used so much CPU time meanwhile.

    Python hears signals in the main thread only: in any other there is no limit. The clock is that of CPU time, so
    that a busy machine does not make a quick piece of code too slow. Not to be nested.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # The handler stays: without a timer it is never called, and taking it back could cross with a late signal.
    signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooLong
