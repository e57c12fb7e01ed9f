"""What a server under load is watched with: its memory, its CPU, its loop; and people who vote meanwhile."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from child_server import Server
from watchers import Watcher

from benchmarks import stopwatch
from benchmarks.machine import cpu_ns

FULL = os.environ.get("LIVEWALL_TORTURE") == "1"
MIB = 1 << 20
PRINTS = Path(__file__).with_name("prints.py")


def sized(full: int, suite: int) -> int:
    return full if FULL else suite


def pipeline(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text)


def step(name: str, *run: str, needs: list[str] | None = None, more: str = "") -> str:
    """A step of a pipeline as TOML; JSON writes texts and lists the same way."""
    return f"[[steps]]\nname = {json.dumps(name)}\nneeds = {json.dumps(needs or [])}\nrun = {json.dumps(run)}\n{more}\n"


class Watched:
    """A server with a stopwatch at its loop; what is said counts from `mark` on."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._report = server.home / "callbacks"
        self._lines = 0
        self._rss = 0
        server.prefix = [sys.executable, stopwatch.__file__, str(self._report)]

    @property
    def pid(self) -> int:
        assert self.server.process is not None
        return self.server.process.pid

    def mark(self) -> None:
        self._lines = len(self._report.read_text().splitlines()) if self._report.exists() else 0
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak begins anew
        self._rss = self._status("VmRSS")

    def grown(self) -> float:
        """By how many MiB resident memory was larger at its peak."""
        return (self._status("VmHWM") - self._rss) / 1024

    def longest(self) -> tuple[float, str]:
        """The callback that took the loop's thread longest: milliseconds of CPU, and what it was."""
        return next(iter(stopwatch.noted(self._report, self._lines)), (0.0, "nothing over 5 ms"))

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
        raise ValueError(name)

    @contextmanager
    def cpu(self, spent: list[float]) -> Iterator[None]:
        """Appends the milliseconds of CPU that the server took meanwhile, on all its threads."""
        before = cpu_ns(self.pid)
        yield
        spent.append((cpu_ns(self.pid) - before) / 1e6)


class Voters:
    """Somebody new votes all the time, over one connection. Every ballot must be acknowledged."""

    def __init__(self, server: Server, poll: str) -> None:
        self._server = server
        self._poll = poll
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._vote)
        self.took: list[float] = []
        self.answers: list[int] = []
        """The status of each ballot, in the order of coming."""

    def __enter__(self) -> Voters:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _vote(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        try:
            for number in itertools.count():
                if self._stop.wait(0.01):
                    return
                voter = ask(connection, "POST", "/api/voters", "", None)[1]["token"]
                start = time.monotonic()
                path, body = f"/api/polls/{self._poll}/ballot", {"choices": [str(1 + number % 2)]}
                self.answers.append(ask(connection, "PUT", path, voter, body)[0])
                self.took.append(time.monotonic() - start)
        finally:
            connection.close()

    def median(self) -> str:
        return f"{statistics.median(self.took) * 1000:.1f} ms, longest {max(self.took) * 1000:.0f} ms"


def ask(connection: http.client.HTTPConnection, method: str, path: str, token: str, body: Any) -> tuple[int, Any]:
    """Status and JSON over a connection that stays."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


async def ended(server: Server, task: str, seconds: float = 60) -> dict[str, Any]:
    """The steps and the task as a reader holds them, once it ended."""
    watcher = Watcher(server.url, "websocket", f"tasks/{task}", token=server.admin)
    watcher.start()
    try:
        await watcher.until(lambda c: c.state.get("task", {}).get("ended_at"), seconds)
    finally:
        await watcher.stop()
    return watcher.checker.state


async def appears(path: Path) -> None:
    while not path.exists():
        await asyncio.sleep(0.01)


def begin(server: Server, name: str, **params: Any) -> str:
    return str(server.host("POST", f"/api/pipelines/{name}/tasks", {"params": params})["id"])


def log_of(server: Server, task: str, name: str) -> bytes:
    return server.host_bytes(f"/api/tasks/{task}/logs/{name}")
