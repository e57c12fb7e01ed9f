"""Tasks over crashes that leave more behind than a process: a database put back, folders of another history."""

from __future__ import annotations

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
