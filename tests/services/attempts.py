"""Attempts of steps that the tests run, and the processes that came of them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from livewall.tasks.attempt import Attempt, Ended, Exit, Lost, Running, Spec
from livewall.tasks.spawner.process import Spawner

PATIENCE = 20.0


def until(happened: Callable[[], Any], what: str = "") -> Any:
    """Wait for something outside this process, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < deadline, what or "it did not happen"
        time.sleep(0.005)
    return found


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Started:
    """A supervisor, by its pidfd."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def poll(self) -> bool:
        """Whether it has ended."""
        return bool(select.select([self.handle], [], [], 0)[0])

    def wait(self, seconds: float = PATIENCE) -> None:
        assert select.select([self.handle], [], [], seconds)[0], "the supervisor has not ended"

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)


class Bench:
    """A folder in which attempts are run, each with a working folder; what still runs at the end is ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        self.count = 0
        self.spawner = Spawner()
        self.processes: list[Started] = []
        self.made: list[Attempt] = []

    def attempt(self) -> Attempt:
        self.count += 1
        made = Attempt(self.folder / "steps" / f"step.{self.count}")
        made.prepare()
        self.made.append(made)
        return made

    def spec(self, *argv: str, **more: Any) -> Spec:
        given = {"cwd": str(self.work), "env": {"PATH": os.environ["PATH"]}, "grace": 0.3}
        return Spec(argv=list(argv), **(given | more))

    def start(self, *argv: str, attempt: Attempt | None = None, **more: Any) -> Attempt:
        attempt = attempt or self.attempt()
        self.processes.append(Started(attempt.start(self.spec(*argv, **more), self.spawner)))
        return attempt

    def run(self, *argv: str, **more: Any) -> tuple[Exit, bytes]:
        """How a command ended, and what it printed."""
        return self.end(self.start(*argv, **more))

    def python(self, script: str, *arguments: str, **more: Any) -> tuple[Exit, bytes]:
        return self.run(sys.executable, "-c", script, *arguments, **more)

    def end(self, attempt: Attempt) -> tuple[Exit, bytes]:
        self.processes[-1].wait(PATIENCE)
        found = attempt.probe()
        assert isinstance(found, Ended), found
        assert found.exit.bytes == attempt.output.stat().st_size
        return found.exit, attempt.output.read_bytes()

    def pids(self, count: int) -> list[int]:
        """The pids that the processes of a step wrote down, once there are so many."""
        return until(lambda: len(found := [int(p.name) for p in self.work.glob("[0-9]*")]) >= count and found)

    def running(self, attempt: Attempt) -> int:
        """The pid of its supervisor, once it runs."""
        found = until(lambda: isinstance(seen := attempt.probe(), Running) and seen)
        return int(found.pid)

    def close(self) -> None:
        for attempt in self.made:
            if not isinstance(attempt.probe(), Lost):
                attempt.cancel()
        for process in self.processes:
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
        for process in self.processes:
            os.close(process.handle)
        self.spawner.close()
        for left in self.work.glob("[0-9]*"):
            if alive(int(left.name)):
                os.kill(int(left.name), signal.SIGKILL)
