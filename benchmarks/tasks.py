"""Tasks: from a report to its readers' bytes, logs beside cat and gzip, steps beside a shell script, and what lists and
charts cost with many of them."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from . import history, task_logs
from .latency import Idle, percentile
from .machine import CLIENT_CORE, SERVER_CORE, pinned
from .native import scratch
from .plan import Plan, table
from .spread import Spread, ratios, verdict
from .target import ADMIN, Livewall

READERS, RATE = 200, 20
STEPS = 20
CALL_AIM_MS = 100


def run(plan: Plan) -> str:
    parts = {
        "From a report of a step to its readers' bytes": latency,
        "A log from the step to the store and to a viewer": task_logs.throughput,
        "Memory and the loop while a step prints": task_logs.memory,
        "A step beside a line of a shell script": overhead,
        "Lists and charts": lists,
    }
    return "\n\n".join(f"### {title}\n\n{part(plan)}" for title, part in parts.items())


# -- from a report to its readers


class Reporter:
    """Reports on one step, over a connection that stays."""

    def __init__(self, server: Livewall, task: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._path = f"/api/tasks/{task}/steps/a"

    def __call__(self, number: int) -> None:
        body = json.dumps({"state": "running", "progress": number % 100 / 100, "message": str(number)})
        headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}
        self._connection.request("PUT", self._path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"a report was refused: {answer.status} {text[:300]!r}")

    def close(self) -> None:
        self._connection.close()


def window(server: Livewall, count: int, seconds: float) -> tuple[list[float], list[float], dict[int, list[float]]]:
    """Milliseconds from each report to each reader's bytes and to its own answer, and how late idle loops were (µs)."""
    task = server.call("POST", "/api/tasks", {"title": "Watched", "steps": [{"name": "a"}, {"name": "b"}]})["id"]
    readers = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.task_readers", str(server.port), task, str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pinned(CLIENT_CORE),
    )  # fmt: skip
    assert readers.stdin is not None and readers.stdout is not None
    readers.stdin.write(f"{ADMIN}\n")
    readers.stdin.flush()
    if readers.stdout.readline() != "ready\n":
        raise RuntimeError("the readers did not come")
    probes = {core: Idle(core) for core in (SERVER_CORE, CLIENT_CORE)}
    sent, answered = [], []
    with closing(Reporter(server, task)) as report:
        begin = time.monotonic()
        for number in range(int(RATE * seconds)):
            time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
            sent.append(time.monotonic_ns())
            report(number)
            answered.append((time.monotonic_ns() - sent[-1]) / 1e6)
    time.sleep(0.5)
    lates = {core: probe.late_us() for core, probe in probes.items()}
    output, _ = readers.communicate()
    took = []
    for line in output.splitlines():
        number, *times = map(int, line.split())
        took += [(at - sent[number]) / 1e6 for at in times]
    if len(took) != count * len(sent):
        raise RuntimeError(f"{len(took)} of {count * len(sent)} events arrived")
    return took, answered, lates


def latency(plan: Plan) -> str:
    count, turns = plan.size(READERS, 20), plan.size(5, 1)
    rows: dict[str, list[list[float]]] = {}
    with ExitStack() as stack:
        server = stack.enter_context(Livewall())
        for turn in range(turns + 1):  # the first warms up
            took, answered, lates = window(server, count, plan.seconds(6, 2))
            found = {
                "a report to a reader's bytes": took,
                "a report to its own answer": answered,
                "idle loop on the server's core: timer late by": [us / 1000 for us in lates[SERVER_CORE]],
                "idle loop on the clients' core: timer late by": [us / 1000 for us in lates[CLIENT_CORE]],
            }
            if turn:
                for name, values in found.items():
                    rows.setdefault(name, []).append([percentile(values, 0.5), percentile(values, 0.99), max(values)])
    cells = [
        [name, *(Spread.of([turn[which] for turn in turns]).text(2) for which in range(3))]
        for name, turns in rows.items()
    ]
    return table([f"{count} readers, {RATE} reports a second", "p50, ms", "p99, ms", "longest, ms"], cells)


# -- beside a shell script


def overhead(plan: Plan) -> str:
    folder = scratch() / "pipelines-steps"
    folder.mkdir(exist_ok=True)
    for name, needs in (("chained", True), ("abreast", False)):
        steps = history.chain(STEPS)
        text = [
            f'[[steps]]\nname = "{step}"\nneeds = {json.dumps(need if needs else [])}\nrun = ["/bin/true"]\n'
            for step, need in steps
        ]
        (folder / f"{name}.toml").write_text("".join(text))
    script = "/bin/true\n" * STEPS
    shell: list[float] = []
    shell_cpu: list[float] = []
    took: dict[str, list[float]] = {"chained": [], "abreast": []}
    cpu: dict[str, list[float]] = {name: [] for name in took}
    supervisors: dict[str, list[float]] = {name: [] for name in took}
    with ExitStack() as stack:
        server = stack.enter_context(Livewall("--pipelines", str(folder), core=None))
        for turn in range(plan.pairs + 1):  # the first warms up
            for name in took:
                before, children, start = server.cpu(), _of_children(server.pid), time.monotonic()
                task = server.call("POST", f"/api/pipelines/{name}/tasks", {})["id"]
                _ended(server, task)
                spent = time.monotonic() - start
                if turn:
                    took[name].append(spent / STEPS)
                    cpu[name].append((server.cpu() - before) / 1e9 / STEPS)
                    supervisors[name].append((_of_children(server.pid) - children) / STEPS)
            one: list[float] = []
            with task_logs.of_child(one):
                start = time.monotonic()
                subprocess.run(["sh", "-c", script], check=True)
                spent = time.monotonic() - start
            if turn:
                shell.append(spent / STEPS)
                shell_cpu.append(one[0] / STEPS)
    rows = [["a line of a shell script", Spread.of(shell).text(1, 1e3), "", "", Spread.of(shell_cpu).text(1, 1e3)]]
    for name, words in (("chained", "a step, one after the other"), ("abreast", "a step, side by side")):
        rows.append(
            [
                words,
                Spread.of(took[name]).text(1, 1e3),
                f"{ratios(took[name], shell).text(1)} ×",
                Spread.of(cpu[name]).text(1, 1e3),
                Spread.of(supervisors[name]).text(1, 1e3),
            ]
        )
    head = [f"`/bin/true`, {STEPS} of them", "ms each", "to the shell", "the server's CPU, ms", "CPU beside it, ms"]
    return table(head, rows) + "\n\nBeside the server there is the supervisor, a Python of its own, and the command."


def _of_children(pid: int) -> float:
    """CPU seconds of the children that ended, theirs included; the kernel counts in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / 100


def _ended(server: Livewall, task: str) -> None:
    """Wait by long polls until a task ended."""
    since = ""
    while True:
        found: Any = server.call("GET", f"/updates/tasks/{task}?since={since}&wait=20")
        since = found["pos"]
        if any(event.get("key") == "task" and event["data"]["ended_at"] for event in found["events"]):
            return


# -- with many


def lists(plan: Plan) -> str:
    count = plan.size(50_000, 1_000)
    with Livewall() as first:
        first.call("GET", "/api/tasks")
    history.add(first.data / "livewall.db", 1, history.mesh(500))
    history.add(first.data / "livewall.db", count, history.chain(6))
    calls = {
        "`GET /api/tasks`": "/api/tasks",
        "`GET /api/tasks?limit=500`": "/api/tasks?limit=500",
        "`GET /api/tasks?q=…` that finds nothing": "/api/tasks?q=nowhere",
        "`GET /api/tasks?state=failed`, of which there are none": "/api/tasks?state=failed",
        "`GET /api/tasks/ID` with its chart, 500 steps": "/api/tasks/1",
        "`GET /api/tasks/ID` with its chart, 6 steps": f"/api/tasks/{count // 2}",
        "snapshot of `tasks/ID`, 500 steps": "/updates/tasks/1?wait=0",
        "snapshot of `tasks`": "/updates/tasks?wait=0",
    }
    rows = []
    with Livewall(data=first.data) as server:
        for path in calls.values():
            server.call("GET", path)
        before = server.rss()
        for name, path in calls.items():
            spent = []
            for _ in range(plan.size(15, 3)):
                cpu = server.cpu()
                server.call("GET", path)
                spent.append((server.cpu() - cpu) / 1e6)
            cost = Spread.of(spent)
            rows.append([name, cost.text(1), verdict(cost.median, CALL_AIM_MS)])
        grown = (server.rss() - before) / 1024
    text = table([f"one task of 500 steps and {count:,} of 6 in the history", "the server's CPU, ms", "aim"], rows)
    return f"{text}\n\nResident memory grew by {grown:.0f} KiB over these calls."
