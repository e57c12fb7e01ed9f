"""A step that prints a large file: how fast its log is in the store and with a viewer, what that costs, what it takes.

The step is `cat FILE`, so that what is measured is the way from its pipe on; the peers are `cat FILE > OTHER` and
`gzip -1` on the same bytes. Nothing is pinned: command, supervisor and server have both cores.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from . import stopwatch
from .logs import write_output
from .native import scratch
from .plan import Plan, table
from .spread import Spread, ratios, verdict
from .target import ADMIN, Livewall

MIB = 1 << 20
GZIP_AIM, GROWTH_AIM_MIB, CALLBACK_AIM_MS = 3, 64, 20


def printing(stack: ExitStack, file: Path, *prefix: str) -> Livewall:
    """A server whose pipeline `prints` prints a file."""
    folder = scratch() / "pipelines-prints"
    folder.mkdir(exist_ok=True)
    (folder / "prints.toml").write_text(f'[[steps]]\nname = "say"\nrun = {json.dumps(["cat", str(file)])}\n')
    return stack.enter_context(Livewall("--pipelines", str(folder), core=None, prefix=prefix))


class Printing:
    """One task that prints `size` bytes, from its start until its log has them all."""

    def __init__(self, server: Livewall, size: int, *, viewed: bool) -> None:
        self._server = server
        cpu, start = server.cpu(), time.monotonic()
        self.task = server.call("POST", "/api/pipelines/prints/tasks", {})["id"]
        self.supervisor = 0
        """Nanoseconds of CPU that the supervisor took."""
        viewer = threading.Thread(target=self._view, args=(size,))
        if viewed:
            viewer.start()
        logs = sqlite3.connect(f"file:{server.data / 'logs.db'}?mode=ro", uri=True)
        pids: set[str] = set()
        while _bytes(logs, self.task) < size:
            self._look_at_supervisor(pids)
            time.sleep(0.01)
        logs.close()
        self.seconds = time.monotonic() - start
        self.cpu = server.cpu() - cpu
        if viewed:
            viewer.join()
            self.seconds = time.monotonic() - start
        while server.call("GET", f"/api/tasks/{self.task}")["ended_at"] is None:
            time.sleep(0.05)

    def _look_at_supervisor(self, pids: set[str]) -> None:
        """Its counter goes with it, so it is read until then."""
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{self._server.pid}/task").iterdir():
                pids.update((thread / "children").read_text().split())
        for pid in pids:
            with contextlib.suppress(OSError):
                self.supervisor = max(self.supervisor, int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]))

    def _view(self, size: int) -> None:
        """Read all that comes, as it comes."""
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
        headers = {"Authorization": f"Bearer {ADMIN}"}
        have, since = 0, ""
        with contextlib.closing(connection):
            while have < size:
                connection.request("GET", f"/api/tasks/{self.task}/logs/say?offset={have}", headers=headers)
                answer = connection.getresponse()
                before = have
                while part := answer.read(1 << 18):
                    have += len(part)
                if have == before:
                    address = f"/updates/tasks/{self.task}/logs/say?since={since}&wait=5"
                    connection.request("GET", address, headers=headers)
                    found = json.loads(connection.getresponse().read())
                    since = found.get("pos", "")


def _bytes(logs: sqlite3.Connection, task: str) -> int:
    row = logs.execute("SELECT bytes FROM logs WHERE task = ?", (task,)).fetchone()
    return row[0] if row else 0


@contextlib.contextmanager
def of_child(spent: list[float]) -> Iterator[None]:
    """Appends the CPU seconds of the children that ended meanwhile."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def throughput(plan: Plan) -> str:
    size = plan.size(100, 4) * MIB
    megabytes = size / MIB
    folder = scratch() / "printed"
    folder.mkdir(exist_ok=True)
    write_output(folder, size)
    file = folder / "output"
    gzip: list[float] = []
    bare, stored, viewed, server_cpu, viewed_cpu, supervisor_cpu = [], [], [], [], [], []
    with ExitStack() as stack:
        server = printing(stack, file)
        for turn in range(plan.size(4, 1) + 1):  # the first warms up
            spent: list[float] = []
            with of_child(spent), open(os.devnull, "wb") as nowhere:
                subprocess.run(["gzip", "-1", "-c", str(file)], stdout=nowhere, check=True)
            with (folder / "copy").open("wb") as copy:
                start = time.monotonic()
                subprocess.run(["cat", str(file)], stdout=copy, check=True)
                took = time.monotonic() - start
            alone = Printing(server, size, viewed=False)
            seen = Printing(server, size, viewed=True)
            if not turn:
                continue
            gzip += spent
            bare.append(took)
            stored.append(alone.seconds)
            viewed.append(seen.seconds)
            server_cpu.append(alone.cpu / 1e9)
            viewed_cpu.append(seen.cpu / 1e9)
            supervisor_cpu.append(alone.supervisor / 1e9)
    ratio = ratios(server_cpu, gzip)

    def per_mb(values: list[float]) -> str:
        return Spread.of([value / megabytes for value in values]).text(1, 1e3)

    def speed(values: list[float]) -> str:
        return Spread.of([megabytes / value for value in values]).text(0)

    rows = [
        ["`cat > file`", speed(bare), "", ""],
        ["a step to the store", speed(stored), f"{ratios(stored, bare).text(1)} × the time", per_mb(server_cpu)],
        [
            "and to a viewer of every byte",
            speed(viewed),
            f"{ratios(viewed, bare).text(1)} × the time",
            per_mb(viewed_cpu),
        ],
        ["`gzip -1`", "", "", per_mb(gzip)],
    ]
    text = table([f"{megabytes:.0f} MB of a build's output", "MB a second", "to `cat > file`", "CPU ms per MB"], rows)
    return (
        f"{text}\n\nThe server's CPU to that of `gzip -1`: **{ratio.text()}** ({verdict(ratio.median, GZIP_AIM)}). The "
        f"supervisor took {per_mb(supervisor_cpu)} ms per MB beside it. Medians of {len(bare)} rounds."
    )


def memory(plan: Plan) -> str:
    """At its peak while 200 MB are printed and taken in, and the loop's longest callback meanwhile."""
    size = plan.size(200, 8) * MIB
    folder = scratch() / "printed-more"
    folder.mkdir(exist_ok=True)
    write_output(folder, size)
    report = scratch() / "callbacks"
    with ExitStack() as stack:
        server = printing(stack, folder / "output", sys.executable, stopwatch.__file__, str(report))
        Printing(server, size // 8, viewed=False)
        lines = len(report.read_text().splitlines())
        Path(f"/proc/{server.pid}/clear_refs").write_text("5")  # the peak begins anew
        before = _status(server.pid, "VmRSS")
        Printing(server, size, viewed=True)
        grown = (_status(server.pid, "VmHWM") - before) / 1024
    noted = stopwatch.noted(report, lines)
    longest = noted[0][0] if noted else stopwatch.NOTED * 1000
    rows = [
        ["growth at its peak, MiB", f"{grown:.1f}", verdict(grown, GROWTH_AIM_MIB)],
        [
            "the loop's longest callback, ms of CPU",
            f"{longest:.1f}" if noted else f"under {longest:.0f}",
            verdict(longest, CALLBACK_AIM_MS),
        ],
    ]
    return table([f"the server while {size / MIB:.0f} MB are printed and viewed", "", "aim"], rows)


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise ValueError(name)
