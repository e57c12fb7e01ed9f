"""What must not hurt tasks that run here: a full disk, a broken file, folders that vanish, a clock that is set."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from child_server import Server
from clocks import Clock
from loads import PRINTS, Voters, appears, begin, ended, log_of, pipeline, step
from prints import KINDS
from watchers import Watcher

from livewall.clock import moment

pytest_plugins = ("server_fixtures", "task_fixtures")

Serve = Callable[..., Server]
WAITS = "while ! test -e {go}; do sleep 0.02; done; echo it went on"
FULL_DISK = ("refused a commit", ": unavailable", "is read later", "a write failed")


# -- the disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The data folder on a file system of its own of 16 MiB."""
    data = tmp_path / "home" / "data"
    data.mkdir(parents=True, mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "livewall-test", str(data)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a file system can be mounted by root only")
    yield data
    subprocess.run(["umount", "--lazy", str(data)], check=True)


async def test_a_step_that_fills_the_disk_waits_for_room_and_nobody_is_lost(
    small_disk: Path, serve: Serve, say: Callable[[str], None]
) -> None:
    server = serve(fills=step("say", sys.executable, str(PRINTS), "bulk", "24"))
    server.expected += FULL_DISK
    poll = server.poll()
    with Voters(server, poll) as voters:
        task = begin(server, "fills")
        while shutil.disk_usage(small_disk).free > 1 << 16:
            await asyncio.sleep(0.01)
        while 503 not in voters.answers:
            await asyncio.sleep(0.01)
        assert (await asyncio.to_thread(server.ask, "GET", "/readyz"))[0] == 503
        found = await asyncio.to_thread(server.host, "GET", f"/api/tasks/{task}")
        assert found["state"] == "running"
        met = len(voters.answers)
        subprocess.run(["mount", "-o", "remount,size=256m", str(small_disk)], check=True)
        state = await ended(server, task)
        assert state["task"]["state"] == "succeeded", state
        while len(voters.answers) < met + 20:
            await asyncio.sleep(0.02)
    expected = b"".join(KINDS["bulk"](24))
    watcher = Watcher(server.url, "websocket", f"tasks/{task}/logs/say", token=server.admin)
    watcher.start()
    await watcher.until(lambda c: c.state.get("end", {}).get("bytes") == len(expected))
    await watcher.stop()
    assert log_of(server, task, "say") == expected
    refused = voters.answers.count(503)
    say(f"{len(voters.answers)} ballots, {refused} refused while the disk was full")
    assert set(voters.answers) <= {201, 503} and set(voters.answers[-10:]) == {201}
    assert server.tally(poll)["ballots"] == len(voters.answers) - refused


# -- files and folders


async def test_a_task_goes_on_by_the_pipeline_it_began_with(serve: Serve, tmp_path: Path) -> None:
    go = tmp_path / "go"
    waits = step("a", "sh", "-c", WAITS.format(go=go))
    server = serve(two=waits + step("b", "echo", "done", needs=["a"]))
    task = begin(server, "two")
    await appears(server.data / "tasks" / task / "steps" / "a.1" / "claim")
    pipeline(tmp_path / "pipelines", "two", "[[steps]\nthis is no TOML")
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    [listed] = server.host("GET", "/api/pipelines")["items"]
    assert listed["errors"][0]["file"] == "two.toml" and listed["steps"] == []
    assert server.ask("POST", "/api/pipelines/two/tasks", {})[0] == 422
    go.touch()
    state = await ended(server, task)
    assert state["task"]["state"] == "succeeded"
    assert (log_of(server, task, "a"), log_of(server, task, "b")) == (b"it went on\n", b"done\n")


async def test_a_working_folder_that_is_deleted_under_a_step_hurts_nobody_else(serve: Serve, tmp_path: Path) -> None:
    go = tmp_path / "go"
    waits = step("a", "sh", "-c", "touch here; " + WAITS.format(go=go))
    server = serve(
        waits=waits + step("b", "touch", "uploaded", needs=["a"]) + step("c", "true", needs=["b"]),
        other=step("a", "echo", "fine"),
    )
    task = begin(server, "waits")
    work = server.data / "tasks" / task / "work"
    await appears(work / "here")
    shutil.rmtree(work)
    go.touch()
    state = await ended(server, task)
    assert [state[f"step/{name}"]["state"] for name in "abc"] == ["succeeded", "failed", "skipped"]
    assert "working folder was deleted" in state["step/b"]["reason"]
    assert not work.exists(), "an empty folder in its place could be taken for the work"
    assert (await ended(server, begin(server, "other")))["task"]["state"] == "succeeded"


async def test_a_step_whose_own_folder_is_deleted_is_lost_with_the_reason(serve: Serve, tmp_path: Path) -> None:
    go = tmp_path / "go"
    server = serve(
        waits=step("a", "sh", "-c", "echo said before; " + WAITS.format(go=go)) + step("b", "true", needs=["a"]),
        other=step("a", "echo", "fine"),
    )
    task = begin(server, "waits")
    watcher = Watcher(server.url, "websocket", f"tasks/{task}/logs/a", token=server.admin)
    watcher.start()
    await watcher.until(lambda c: c.state.get("end", {}).get("lines") == 1)
    shutil.rmtree(server.data / "tasks" / task)
    go.touch()
    state = await ended(server, task)
    await watcher.stop()
    assert (state["step/a"]["state"], state["step/b"]["state"]) == ("lost", "skipped")
    assert "folder is gone" in state["step/a"]["reason"]
    assert log_of(server, task, "a").startswith(b"said before\n")
    assert (await ended(server, begin(server, "other")))["task"]["state"] == "succeeded"


# -- the clock


@pytest.mark.parametrize("seconds", [3600, -3600], ids=["ahead", "back"])
async def test_a_clock_that_is_set_loses_no_lease_and_ends_no_step(seconds: int, serve: Serve, tmp_path: Path) -> None:
    clock, go = Clock(tmp_path), tmp_path / "go"
    server = serve(
        *clock.prefix,
        waits=step("a", "sh", "-c", WAITS.format(go=go), more="timeout = 50")
        + step(
            "b",
            "sh",
            "-c",
            "test -e again || { touch again; exit 3; }",
            needs=["a"],
            more="retries = 1\nretry_delay = 0.5",
        ),
    )
    server.expected.append("the clock of this machine is")
    reporter = server.host("POST", "/api/tokens", {"role": "reporter", "name": "elsewhere"})["token"]
    made = {"title": "Elsewhere", "steps": [{"name": "x"}]}
    foreign = server.ask("POST", "/api/tasks", made, token=reporter)[1]["id"]
    report = f"/api/tasks/{foreign}/steps/x"
    assert server.ask("PUT", report, {"state": "running", "lease": 30}, token=reporter)[0] == 200
    task = begin(server, "waits")
    await appears(server.data / "tasks" / task / "steps" / "a.1" / "claim")
    before = server.host("GET", f"/api/tasks/{task}")["steps"][0]["started_at"]
    clock.set(seconds)
    poll = server.poll()
    created = server.host("GET", f"/api/tasks/{begin(server, 'waits')}")["created_at"]
    assert timedelta(0) < moment(created) - moment(before) < timedelta(minutes=1), "the server's own time goes on"
    while "the clock of this machine is 3600 seconds" not in server.log.read_text():
        await asyncio.sleep(0.05)
    assert server.vote(poll)[0] == 201
    await asyncio.to_thread(server.outlive_lease, 1.0)  # by then, what goes by the wall clock would have gone off
    assert server.host("GET", f"/api/tasks/{foreign}")["steps"][0]["state"] == "running"
    assert server.host("GET", f"/api/tasks/{task}")["steps"][0]["state"] == "running"
    go.touch()
    start = time.monotonic()
    state = await ended(server, task)
    assert time.monotonic() - start < 20
    assert (state["task"]["state"], state["step/b"]["attempt"]) == ("succeeded", 2)
    assert log_of(server, task, "a") == b"it went on\n"
    assert server.ask("PUT", report, {"state": "succeeded"}, token=reporter)[0] == 200
    assert b"went on" in server.host_bytes(f"/tasks/{task}?step=a")
