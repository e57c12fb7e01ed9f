"""kill -9 of the server as a task fails and as the poll on its failure is closed: one poll, one task that follows."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from child_server import Server
from killer import KILLS
from test_kill_gates import killed_during
from watchers import Watcher

pytest_plugins = ("server_fixtures",)

RELEASE = """params.wall.default = ""
[on_failure]
poll = { wall = "{params.wall}", title = "Roll back?", options = ["Yes", "No"] }
starts = { pipeline = "rollback", when = "Yes", params = { to = "v3" } }
[[steps]]
name = "switch"
run = ["false"]
"""
ROLLBACK = """params.to.pattern = "v[0-9]+"
[[steps]]
name = "back"
run = ["true"]
"""


async def settled(server: Server, task: str, wanted: str) -> dict[str, Any]:
    watcher = Watcher(server.url, "websocket", f"tasks/{task}", token=server.admin)
    watcher.start()
    await watcher.until(lambda c: c.state.get("task", {}).get("on_failure", {}).get("state") == wanted, 40)
    await watcher.stop()
    found: dict[str, Any] = server.host("GET", f"/api/tasks/{task}")["on_failure"]
    return found


async def test_one_poll_is_asked_and_one_task_started_however_the_server_is_killed(
    new_server: Callable[..., Server], tmp_path: Path, chance: random.Random, say: Callable[[str], None]
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "release.toml").write_text(RELEASE)
    (folder / "rollback.toml").write_text(ROLLBACK)
    server = new_server("--pipelines", str(folder))
    await asyncio.to_thread(server.start)
    wall = server.host("POST", "/api/walls", {"title": "Forum"})["code"]
    seen = []
    for number in range(1, KILLS + 1):
        task = f"run-{number}"
        path, body = "/api/pipelines/release/tasks", {"id": task, "params": {"wall": wall}}
        pauses = [chance.uniform(0.0, 0.2), chance.uniform(0.0, 0.03)]
        say(f"{task}: killed after {pauses[0] * 1000:.1f} ms and {pauses[1] * 1000:.1f} ms")
        await killed_during(server, path, body, pauses[0])
        server.host("POST", path, body)
        poll = (await settled(server, task, "open"))["poll"]
        for choice in "112":
            assert server.vote(poll, choice)[0] == 201
        await killed_during(server, f"/api/polls/{poll}/close", {}, pauses[1])
        seen.append(server.host("GET", f"/api/tasks/{task}")["on_failure"]["state"])
        server.host("POST", f"/api/polls/{poll}/close", {})
        found = await settled(server, task, "started")
        assert found["reason"] == "Yes, 2 of 3"
    say(f"after the second kill: {seen}")
    database = sqlite3.connect(server.database)
    lines = database.execute("SELECT act, about, detail FROM audit").fetchall()
    started = database.execute("SELECT COUNT(*) FROM tasks WHERE pipeline = 'rollback'").fetchone()[0]
    database.close()
    details = [(act, about, msgspec.json.decode(detail)) for act, about, detail in lines]
    tasks = [f"run-{number}" for number in range(1, KILLS + 1)]
    assert [detail["task"] for act, _, detail in details if act == "poll.create"] == tasks, "one poll for each task"
    origins = [detail.get("on_failure_of") for act, _, detail in details if act == "task.start"]
    assert [origin for origin in origins if origin] == [f"tasks/{task}" for task in tasks] and started == KILLS
