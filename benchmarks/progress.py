"""What a benchmark is doing, as lines on standard error, and an end to waiting for a program that does not answer."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen
from typing import Any, Self, TextIO

REMINDER_SECONDS = 10.0  # between two lines about the same step
PATIENCE_SECONDS = 120.0  # for an answer that should be there at once, on a machine with much other work


class Progress:
    """Prints each step of a benchmark when it begins, and again every ten seconds while it lasts."""

    def __init__(self, name: str, *, out: TextIO = sys.stderr, reminder: float = REMINDER_SECONDS) -> None:
        self._name = name
        self._out = out
        self._reminder = reminder
        self._start = time.monotonic()
        self._step = ""
        self._begun = threading.Event()  # a step has begun, or the benchmark has ended
        self._ended = False
        self._lock = threading.Lock()  # one line at a time, and no reminder of a step that is over
        self._thread = threading.Thread(target=self._remind, daemon=True)

    def step(self, text: str) -> None:
        with self._lock:
            self._step = text
            self._begun.set()
            self._print(text)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._begun.set()
        self._thread.join()

    def _remind(self) -> None:
        while not self._ended:
            is_new = self._begun.wait(self._reminder)
            with self._lock:
                if is_new or self._begun.is_set():
                    self._begun.clear()
                else:
                    self._print(f"still {self._step}" if self._step else "running")

    def _print(self, text: str) -> None:
        self._out.write(f"{time.monotonic() - self._start:6.0f} s  {self._name}: {text}\n")
        self._out.flush()


@contextmanager
def answer_within(seconds: float, process: Popen[Any]) -> Iterator[None]:
    """Kill a program that has not answered after so many seconds, so that whoever reads its answer finds the end."""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
