"""Livewall as process 1 of a PID namespace, as in a container: it reaps the orphans of all others."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from child_server import Server
from loads import pipeline

pytest_plugins = ("server_fixtures",)

UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
ORPHANS = """[[steps]]
name = "a"
run = ["sh", "-c", '''
for n in 1 2 3; do setsid sh -c "while ! test -e $PWD/go; do sleep 0.02; done" & done
touch ready; sleep 600''']
[[steps]]
name = "b"
run = ["sh", "-c", "exit 7"]
"""


def may_unshare() -> bool:
    try:
        return subprocess.run([*UNSHARE, "true"], capture_output=True, timeout=20).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not may_unshare(), reason="no PID namespace can be had here")


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def stat(pid: int) -> tuple[str, int]:
    """State and parent; ("", 0) where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    return fields[0], int(fields[1])


def children(pid: int) -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal() and stat(int(name))[1] == pid]


@pytest.fixture
def server(new_server: Callable[..., Server], tmp_path: Path) -> Server:
    pipeline(tmp_path / "pipelines", "orphans", ORPHANS)
    made = new_server("--pipelines", str(tmp_path / "pipelines"))
    made.prefix = UNSHARE
    made.start()
    return made


def test_orphans_of_a_killed_supervisor_are_reaped_and_no_status_is_stolen(server: Server) -> None:
    assert server.process is not None
    [first] = children(server.process.pid)
    assert (Path(f"/proc/{first}/status").read_text().split("NSpid:")[1].split()[:2])[1] == "1"
    task = server.host("POST", "/api/pipelines/orphans/tasks", {})["id"]
    work = server.data / "tasks" / task / "work"
    until(lambda: (work / "ready").exists())
    steps = until(lambda: (s := server.host("GET", f"/api/tasks/{task}")["steps"])[1]["state"] == "failed" and s)
    assert steps[1]["reason"] == "exit status 7", "the server learns how its own processes ended"
    [program] = children(first)
    [spawner] = until(lambda: [p for p in children(program) if stat(p)[0] not in "ZX"])
    [supervisor] = until(lambda: [p for p in children(spawner) if stat(p)[0] not in "ZX"])
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: server.host("GET", f"/api/tasks/{task}")["steps"][0]["state"] == "lost")
    [command] = until(lambda: [p for p in children(first) if p != program])
    os.kill(command, signal.SIGKILL)
    adopted = until(lambda: len(found := [p for p in children(first) if p not in (program, command)]) == 4 and found)
    [sleeps] = [p for p in adopted if Path(f"/proc/{p}/cmdline").read_bytes() == b"sleep\x00600\x00"]
    os.kill(sleeps, signal.SIGKILL)
    (work / "go").touch()
    until(lambda: children(first) == [program])
    assert not [p for p in children(program) if stat(p)[0] == "Z"]
    stop(server, first)


def stop(server: Server, first: int, status: int = 0) -> None:
    assert server.process is not None
    os.kill(first, signal.SIGTERM)
    assert server.process.wait(20) == status
    assert "draining" in server.log.read_text()


def test_signals_reach_the_server_and_its_status_is_that_of_process_1(server: Server) -> None:
    assert server.process is not None
    [first] = children(server.process.pid)
    [program] = children(first)
    os.kill(program, signal.SIGKILL)
    assert server.process.wait(20) == 128 + signal.SIGKILL
    server.start()
    [first] = children(server.process.pid)
    stop(server, first)
