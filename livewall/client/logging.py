"""Log records of a program as lines of its step's log."""

from __future__ import annotations

import logging
from collections.abc import Callable

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class StepHandler(logging.Handler):
    """The handler that `Step.log_handler()` returns.

    `write` takes the bytes without blocking. Records of the thread `own_thread()` are left out: it sends the log, and
    its own records would cause more of them without end.
    """

    def __init__(self, write: Callable[[bytes], None], own_thread: Callable[[], int | None], level: int = 0) -> None:
        super().__init__(level)
        self.setFormatter(logging.Formatter(FORMAT))
        self._write = write
        self._own_thread = own_thread

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._own_thread():
            return
        try:
            self._write((self.format(record) + "\n").encode("utf-8", "backslashreplace"))
        except Exception:
            self.handleError(record)
