"""Tasks on a machine whose clock is set while they run."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from child_server import Server
from clocks import Clock
from loads import pipeline

pytest_plugins = ("server_fixtures",)

SLEEPS = '[[steps]]\nname = "a"\nrun = ["sleep", "2"]\n'


def seconds(entry: Any, end: str | None = None) -> float:
    began, ended = entry["started_at"], end or entry["ended_at"]
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


@pytest.mark.parametrize("hours", [-1, 1])
def test_steps_take_as_long_as_they_take_and_leases_last_as_long_as_promised(
    new_server: Callable[..., Server], tmp_path: Path, hours: int
) -> None:
    pipeline(tmp_path / "pipelines", "sleeps", SLEEPS)
    clock, server = Clock(tmp_path), new_server("--pipelines", str(tmp_path / "pipelines"))
    server.prefix = clock.prefix
    server.expected.append("the clock of this machine is")
    server.start()
    made = {"title": "T", "steps": [{"name": "s"}], "id": "f"}
    assert server.ask("POST", "/api/tasks", made)[0] == 201
    server.ask("PUT", "/api/tasks/f/steps/s", {"state": "running", "lease": 4})
    task = server.host("POST", "/api/pipelines/sleeps/tasks", {})["id"]
    until(lambda: server.host("GET", f"/api/tasks/{task}")["steps"][0]["state"] == "running")
    clock.set(hours * 3600)
    ended = until(lambda: (found := server.host("GET", f"/api/tasks/{task}"))["ended_at"] and found)
    for entry in (ended, ended["steps"][0]):
        assert 1.9 < seconds(entry) < 30, ended
    assert server.host("GET", "/api/tasks/f")["state"] == "running", "no lease ran out by a clock that was set"
    lost = until(lambda: (found := server.host("GET", "/api/tasks/f"))["ended_at"] and found)
    assert 3.9 < seconds(lost["steps"][0]) < 30 and lost["state"] == "lost"
