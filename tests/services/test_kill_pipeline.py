"""kill -9 of the server while a pipeline runs: every step runs once, and nobody notices anything but the pause."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from child_server import Server
from killer import KILLS
from watchers import TRANSPORTS, Watcher

from livewall.demo import repository

pytest_plugins = ("server_fixtures",)

NAMES = ["one", "two", "three", "four", "five", "six"]
# Says what it is, and writes the very same bytes to a file of its own; a second run would be seen in `ran`.
SPEAKS = """
import os, random, sys, time
name, seconds = sys.argv[1], float(sys.argv[2])
open("ran-" + name, "a").write("once\\n")
chance = random.Random(name)
with open("said-" + name, "wb") as said:
    for turn in range(40):
        data = chance.randbytes(chance.randrange(3000)) + b"\\n"
        for out in (said, sys.stdout.buffer):
            out.write(data)
            out.flush()
        time.sleep(seconds / 40)
"""


def pipeline(chance: random.Random) -> str:
    needs = {"three": ["one"], "four": ["one", "two"], "five": ["three"], "six": ["four", "five"]}
    lines = []
    for name in NAMES:
        run = [sys.executable, "../../../../speaks.py", name, f"{chance.uniform(0.2, 0.8):.2f}"]
        lines += ["[[steps]]", f'name = "{name}"', f"needs = {needs.get(name, [])}", f"run = {run}"]
    return "\n".join(lines).replace("'", '"')


async def test_every_step_runs_once_and_its_log_is_whole_however_often_the_server_is_killed(
    new_server: Callable[..., Server], tmp_path: Path, chance: random.Random, say: Callable[[str], None]
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "six.toml").write_text(pipeline(chance))
    server = new_server("--pipelines", str(folder))
    (server.home / "speaks.py").write_text(SPEAKS)
    await asyncio.to_thread(server.start)
    for number in range(1, KILLS + 1):
        task = server.host("POST", "/api/pipelines/six/tasks", {"id": f"run-{number}"})["id"]
        watchers = [Watcher(server.url, each, f"tasks/{task}", token=server.admin) for each in TRANSPORTS]
        logs = [Watcher(server.url, each, f"tasks/{task}/logs/one", token=server.admin) for each in TRANSPORTS]
        for watcher in [*watchers, *logs]:
            watcher.pause = 0.05
            watcher.start()
        for _ in range(2):
            await asyncio.sleep(chance.uniform(0.0, 1.2))  # the moment is the test's subject
            await asyncio.to_thread(server.kill)
            start = time.monotonic()
            await asyncio.sleep(chance.choice([0.0, 0.3]))
            await asyncio.to_thread(server.start)
            say(f"task {number}: ready again after {time.monotonic() - start:.2f} s")
        for watcher in watchers:
            await watcher.until(lambda c: c.state.get("task", {}).get("ended_at"), 40)
            seen = watcher.checker.state
            assert seen["task"]["state"] == "succeeded", seen
            assert [seen[f"step/{name}"]["attempt"] for name in NAMES] == [1] * 6
        work = server.data / "tasks" / task / "work"
        for name in NAMES:
            assert (work / f"ran-{name}").read_text() == "once\n"
            assert server.host_bytes(f"/api/tasks/{task}/logs/{name}") == (work / f"said-{name}").read_bytes()
        size = (work / "said-one").stat().st_size
        for watcher in logs:
            await watcher.until(lambda c, size=size: c.state.get("end", {}).get("bytes") == size)
        for watcher in [*watchers, *logs]:
            await watcher.stop()


@pytest.mark.skipif(not os.environ.get("LIVEWALL_TORTURE"), reason="twenty kills take minutes: make torture")
async def test_the_demonstration_is_released_however_often_the_server_is_killed(
    new_server: Callable[..., Server], tmp_path: Path, chance: random.Random, say: Callable[[str], None]
) -> None:
    server = new_server("--pipelines", str(await asyncio.to_thread(repository.prepare, tmp_path / "demo")))
    await asyncio.to_thread(server.start)
    without, _ = await released(server, 0, chance)
    assert {step["state"] for step in without["steps"].values()} == {"succeeded"}
    kills = 0
    while kills < KILLS:
        found, here = await released(server, min(4, KILLS - kills), chance)
        kills += here
        say(f"task {found['task']}: {here} kills")
        assert found["steps"] == without["steps"]
        for name, lines in without["logs"].items():
            assert found["logs"][name] == lines, name


async def released(server: Server, most: int, chance: random.Random) -> tuple[dict[str, Any], int]:
    """A run of the demonstration's pipeline under at most so many kills: what does not differ between two runs of its
    states and logs; and how many kills there were before it ended."""
    task = server.host("POST", "/api/pipelines/release/tasks", {"params": {"ref": "main"}})["id"]
    watchers = [Watcher(server.url, each, f"tasks/{task}", token=server.admin) for each in TRANSPORTS]
    for watcher in watchers:
        watcher.pause = 0.05
        watcher.start()
    kills = 0
    while kills < most:
        await asyncio.sleep(chance.uniform(0.0, 3.0))  # the moment is the test's subject
        if watchers[0].checker.state.get("task", {}).get("ended_at"):
            break
        await asyncio.to_thread(server.kill)
        kills += 1
        await asyncio.to_thread(server.start)
    steps: dict[str, Any] = {}
    for watcher in watchers:
        await watcher.until(lambda c: c.state.get("task", {}).get("ended_at"), 120)
        held = {key: value for key, value in watcher.checker.state.items() if key.startswith("step/")}
        seen = {key: {name: value[name] for name in ("state", "reason", "attempt")} for key, value in held.items()}
        steps = steps or seen
        assert seen == steps, watcher.transport
        await watcher.stop()
    folder = server.data / "tasks" / task / "steps"
    logs = {}
    for attempt in sorted(folder.iterdir()):
        name, _, number = attempt.name.rpartition(".")
        assert number == "1", "a step ran twice"
        raw = server.host_bytes(f"/api/tasks/{task}/logs/{name}")
        if (attempt / "output").exists():  # else what it said is in the log alone
            assert raw == (attempt / "output").read_bytes()
        logs[name] = comparable(raw.decode(), task)
    return {"task": task, "steps": steps, "logs": logs}, kills


def comparable(log: str, task: str) -> list[str]:
    """The lines of a log without numbers, redraws and speeds; git's two sides do not always speak in the same order."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in log.replace(f"/tasks/{task}/", "/tasks/ID/").split("\n")]
    return sorted(re.sub(r"[0-9]+", "0", re.sub(r", [0-9.]+ \w+ \| [0-9.]+ \w+/s", "", line)) for line in lines)


async def test_a_step_whose_supervisor_is_killed_is_lost_at_once(
    new_server: Callable[..., Server], tmp_path: Path
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    waits = f'[[steps]]\nname = "a"\nrun = ["sh", "-c", "echo $$ > {tmp_path}/pid; exec sleep 60"]\n'
    (folder / "waits.toml").write_text(waits + '[[steps]]\nname = "b"\nneeds = ["a"]\nrun = ["true"]\n')
    server = new_server("--pipelines", str(folder))
    await asyncio.to_thread(server.start)
    left = []
    for again in (False, True):  # while the server looks on, and while it is away
        task = server.host("POST", "/api/pipelines/waits/tasks", {})["id"]
        watcher = Watcher(server.url, "websocket", f"tasks/{task}", token=server.admin)
        watcher.start()
        pid = await first_line(tmp_path / "pid")
        left.append(pid)
        supervisor = parent(pid)
        if again:
            await asyncio.to_thread(server.kill)
        os.kill(supervisor, signal.SIGKILL)
        if again:
            await asyncio.to_thread(server.start)
        await watcher.until(lambda c: c.state.get("task", {}).get("state") == "lost")
        seen: Any = watcher.checker.state
        assert seen["step/a"]["state"] == "lost" and "may still be running" in seen["step/a"]["reason"]
        assert seen["step/b"]["state"] == "skipped"
        await watcher.stop()
        (tmp_path / "pid").unlink()
    for pid in left:
        os.kill(pid, signal.SIGKILL)


async def first_line(path: Path) -> int:
    while not path.exists() or not path.read_text().endswith("\n"):
        await asyncio.sleep(0.01)
    return int(path.read_text())


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
