"""Tasks over crashes that leave more behind than a process: a database put back, folders of another history."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from child_server import Server

pytest_plugins = ("server_fixtures",)


def ended(server: Server, task: str) -> Any:
    end = time.monotonic() + 20
    while not (found := server.host("GET", f"/api/tasks/{task}"))["ended_at"]:
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def test_a_task_with_the_id_of_one_that_a_restore_took_back_runs_nevertheless(
    new_server: Callable[..., Server], tmp_path: Path
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    ran = tmp_path / "ran"
    (folder / "once.toml").write_text(
        f'[[steps]]\nname = "a"\nrun = ["sh", "-c", "test ! -e here && touch here && echo run >> {ran} && cat {ran}"]\n'
    )
    server = new_server("--pipelines", str(folder))
    server.start()
    server.run("backup", str(tmp_path / "copy.db"), "--data", str(server.data))
    task = server.host("POST", "/api/pipelines/once/tasks", {})["id"]
    assert ended(server, task)["state"] == "succeeded"
    server.stop()
    server.run("restore", str(tmp_path / "copy.db"), "--data", str(server.data))
    server.start()
    again = server.host("POST", "/api/pipelines/once/tasks", {})["id"]
    assert again == task
    assert ended(server, task)["state"] == "succeeded", ended(server, task)
    assert ran.read_text() == "run\nrun\n"
    assert server.host_bytes(f"/api/tasks/{task}/logs/a") == b"run\nrun\n"
    assert [path.name[:2] for path in (server.data / "tasks").iterdir() if path.name != task] == [f".{task}"]


def test_what_was_not_read_yet_of_a_log_when_the_server_was_killed_is_read_by_the_next(
    new_server: Callable[..., Server], tmp_path: Path
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "said.toml").write_text(
        f'[[steps]]\nname = "a"\n'
        f'run = ["sh", "-c", "echo one; while ! test -e {tmp_path}/go; do sleep 0.02; done; echo two"]\n'
    )
    server = new_server("--pipelines", str(folder))
    server.expected = ["is read later", "locked"]
    server.start()
    task = server.host("POST", "/api/pipelines/said/tasks", {})["id"]
    while told(server, task) < 4:
        time.sleep(0.05)
    logs = sqlite3.connect(server.data / "logs.db", isolation_level=None)
    logs.execute("BEGIN IMMEDIATE")  # as somebody who looks at it with a tool may leave it
    (tmp_path / "go").touch()
    assert ended(server, task)["state"] == "succeeded"
    server.kill()
    logs.close()
    server.start()
    end = time.monotonic() + 10
    while told(server, task) < 8:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert server.host_bytes(f"/api/tasks/{task}/logs/a") == b"one\ntwo\n"
    attempt = server.data / "tasks" / task / "steps" / "a.1"
    while (attempt / "output").exists() or (attempt / "times").exists():
        assert time.monotonic() < end, "the log has all of it"
        time.sleep(0.1)


def test_a_server_that_stops_while_steps_begin_says_nothing_and_loses_none(
    new_server: Callable[..., Server], tmp_path: Path
) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    text = "".join(f'[[steps]]\nname = "s{n}"\nrun = ["sh", "-c", "echo run >> ran-{n}"]\n' for n in range(6))
    (folder / "quick.toml").write_text(text)
    server = new_server("--pipelines", str(folder))
    server.start()
    tasks = []
    for _ in range(5):
        tasks += [server.host("POST", "/api/pipelines/quick/tasks", {})["id"] for _ in range(2)]
        assert server.stop() == 0
        server.start()
    for task in tasks:
        assert ended(server, task)["state"] == "succeeded"
        for n in range(6):
            assert (server.data / "tasks" / task / "work" / f"ran-{n}").read_text() == "run\n"


def told(server: Server, task: str) -> int:
    events = server.ask("GET", f"/updates/tasks/{task}/logs/a?wait=0")[1].get("events", [])
    return max((int(event["data"]["bytes"]) for event in events if event.get("key") == "end"), default=0)
