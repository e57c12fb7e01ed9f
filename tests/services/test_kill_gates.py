"""kill -9 of the server as a gate asks its poll and as the poll is closed: one poll, one decision, one next step."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from child_server import Server
from crowd import Line, Lost
from killer import KILLS
from watchers import Watcher

pytest_plugins = ("server_fixtures",)

RELEASE = """params.wall.default = ""
[[steps]]
name = "go"
[steps.gate.poll]
wall = "{params.wall}"
title = "Release?"
options = ["Yes", "No"]
passes = "Yes"
majority = "1/2"
[[steps]]
name = "switch"
needs = ["go"]
run = ["PYTHON", "-c", "open('ran', 'a').write('once')"]
"""


async def killed_during(server: Server, path: str, body: Any, pause: float) -> None:
    """Ask, kill the server so many seconds after the request has left, and start it again."""
    line, loop = Line(server.url), asyncio.get_running_loop()
    assert server.process is not None
    killing: list[asyncio.TimerHandle] = []
    with contextlib.suppress(Lost, OSError):
        await line.ask(
            "POST", path, body, token=server.admin,
            sent=lambda: killing.append(loop.call_later(pause, server.process.kill)),  # type: ignore[union-attr]
        )  # fmt: skip
    line.close()
    await asyncio.to_thread(server.process.wait)
    await asyncio.to_thread(server.start)


async def test_a_gate_asks_one_poll_and_is_decided_once_however_the_server_is_killed(
    new_server: Callable[..., Server], tmp_path: Path, chance: random.Random, say: Callable[[str], None]
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "release.toml").write_text(RELEASE.replace("PYTHON", sys.executable))
    server = new_server("--pipelines", str(folder))
    await asyncio.to_thread(server.start)
    wall = server.host("POST", "/api/walls", {"title": "Forum"})["code"]
    for number in range(1, KILLS + 1):
        task = f"run-{number}"
        path, body = "/api/pipelines/release/tasks", {"id": task, "params": {"wall": wall}}
        pauses = [chance.uniform(0.0, 0.03) for _ in range(2)]
        say(f"{task}: killed after {pauses[0] * 1000:.1f} ms and {pauses[1] * 1000:.1f} ms")
        await killed_during(server, path, body, pauses[0])
        server.host("POST", path, body)
        waits_for = server.host("GET", f"/api/tasks/{task}")["steps"][0]["waits_for"]
        poll = waits_for["poll"]
        for choice in "112":
            assert server.vote(poll, choice)[0] == 201
        await killed_during(server, f"/api/polls/{poll}/close", {}, pauses[1])
        before = server.host("GET", f"/api/tasks/{task}")["steps"][0]["state"]
        assert (server.host("GET", f"/api/polls/{poll}")["phase"] == "closed") is (before == "succeeded")
        server.host("POST", f"/api/polls/{poll}/close", {})
        watcher = Watcher(server.url, "websocket", f"tasks/{task}", token=server.admin)
        watcher.start()
        await watcher.until(lambda c: c.state.get("task", {}).get("ended_at"), 40)
        await watcher.stop()
        found = server.host("GET", f"/api/tasks/{task}")
        assert [(step["state"], step["attempt"]) for step in found["steps"]] == [("succeeded", 1)] * 2
        assert found["steps"][0]["reason"] == "Yes, 2 of 3"
        assert (server.data / "tasks" / task / "work" / "ran").read_text() == "once"
    database = sqlite3.connect(server.database)
    lines = database.execute("SELECT act, about, detail FROM audit").fetchall()
    database.close()
    asked = [msgspec.json.decode(detail).get("task") for act, _, detail in lines if act == "poll.create"]
    tasks = [f"run-{number}" for number in range(1, KILLS + 1)]
    assert asked == tasks, "one poll for each task"
    assert [about for act, about, _ in lines if act == "task.poll"] == [f"tasks/{task}" for task in tasks]
    wall_items = server.host("GET", f"/api/walls/{wall}")["items"]
    assert len(wall_items) == KILLS
