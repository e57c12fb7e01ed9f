"""Releases on real OpenSSH servers: commands and uploads in waves, host keys, and whatever is killed on the way."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from child_server import Server
from killer import KILLS
from sshd import Sshd, far_files, fingerprint, marked, need_sshd
from watchers import Watcher

pytest_plugins = ("server_fixtures",)

HOSTS = 3
RELEASE = """inventory = "hosts.toml"
[ssh]
known_hosts = "known_hosts"
[[steps]]
name = "build"
run = ["sh", "-c", "mkdir -p dist; seq 1 20000 > dist/site"]
[[steps]]
name = "upload"
needs = ["build"]
upload = { from = "dist/site", to = "BASE/{host.name}/home/releases/1.0/site", mode = "0640" }
hosts = "web"
[[steps]]
name = "switch"
needs = ["upload"]
cwd = "BASE/{host.name}/home"
ssh = ["sh", "-c", '''for i in 1 2 3 4 5 6; do echo $1 line $i; sleep 0.05; done
    echo $1 >> ran; ln -sfn releases/1.0 current''', "sh", "{host.name}"]
hosts = "web"
waves = [1, "rest"]
"""


class Hosts:
    """Some OpenSSH servers, and the inventory that names them."""

    def __init__(self, folder: Path, servers: list[Sshd]) -> None:
        self.folder = folder
        self.servers = servers
        tables = [
            f'{{ name = "{s.name}", address = "{s.address}", port = {s.port}, key = "{s.key}" }}' for s in servers
        ]
        (folder / "hosts.toml").write_text(f"web = [{', '.join(tables)}]\n")

    def learn(self) -> None:
        for server in self.servers:
            server.learn()

    def __getitem__(self, name: str) -> Sshd:
        return next(server for server in self.servers if server.name == name)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    need_sshd()
    folder = tmp_path / "pipelines"
    folder.mkdir()
    servers = [Sshd(folder / "sshd", name=f"web{number + 1}") for number in range(HOSTS)]
    for server in servers:
        server.known_hosts = folder / "known_hosts"
        server.start()
    (folder / "release.toml").write_text(RELEASE.replace("BASE", str(folder / "sshd")))
    yield Hosts(folder, servers)
    for server in servers:
        server.stop()
        server.cut()


@pytest.fixture
def server(new_server: Callable[..., Server], hosts: Hosts) -> Server:
    server = new_server("--pipelines", str(hosts.folder))
    server.start()
    return server


async def run_to_end(server: Server, task: str, act: Callable[[Any], None] = lambda checker: None) -> dict[str, Any]:
    """Wait until a task has ended; `act` looks at what is held after each change."""
    watcher = Watcher(server.url, "websocket", f"tasks/{task}", token=server.admin)
    watcher.start()

    def over(checker: Any) -> bool:
        act(checker)
        return bool(checker.state.get("task", {}).get("ended_at"))

    await watcher.until(over, seconds=60)
    await watcher.stop()
    found: dict[str, Any] = await asyncio.to_thread(server.host, "GET", f"/api/tasks/{task}")
    return found


async def started(server: Server, pipeline: str = "release", **params: str) -> str:
    made = await asyncio.to_thread(server.host, "POST", f"/api/pipelines/{pipeline}/tasks", {"params": params})
    return str(made["id"])


async def log(server: Server, task: str, unit: str) -> str:
    return (await asyncio.to_thread(server.host_bytes, f"/api/tasks/{task}/logs/{unit}")).decode()


def expected_log(host: str) -> str:
    return "".join(f"{host} line {number}\n" for number in range(1, 7))


async def check_done(server: Server, hosts: Hosts, found: dict[str, Any], *, times: int = 1) -> None:
    """Check that every host has the release, once."""
    assert found["state"] == "succeeded", (found["reason"], found)
    for each in hosts.servers:
        site = each.home / "current" / "site"
        assert site.read_text() == "".join(f"{number}\n" for number in range(1, 20001))
        assert site.stat().st_mode & 0o777 == 0o640
        assert (each.home / "ran").read_text() == f"{each.name}\n" * times
        assert await log(server, found["id"], f"switch@{each.name}") == expected_log(each.name)


async def far_folders_gone(hosts: Hosts) -> None:
    until = time.monotonic() + 20
    while left := [files for each in hosts.servers if (files := far_files(each.home))]:
        assert time.monotonic() < until, left
        await asyncio.sleep(0.05)


async def test_a_release_runs_on_its_hosts_in_waves_and_leaves_nothing_there(server: Server, hosts: Hosts) -> None:
    hosts.learn()
    found = await run_to_end(server, await started(server))
    await check_done(server, hosts, found)
    switch = next(step for step in found["steps"] if step["name"] == "switch")
    first, *others = switch["targets"]
    assert all(first["ended_at"] <= each["started_at"] for each in others)
    await far_folders_gone(hosts)
    for each in hosts.servers:
        accepted = (each.folder / "log").read_text()
        assert not each.sessions() or accepted is not None


async def test_an_unknown_key_is_asked_for_and_a_changed_one_fails_with_both_fingerprints(
    server: Server, hosts: Hosts
) -> None:
    task = await started(server)
    watcher = Watcher(server.url, "websocket", f"tasks/{task}", token=server.admin)
    watcher.start()
    await watcher.until(lambda c: c.state.get("task", {}).get("state") == "waiting")
    step = watcher.checker.state["step/upload"]
    assert step["waits_for"]["kind"] == "host_key" and step["waits_for"]["host"] == "web1"
    shown = {target["host"]: target["fingerprint"] for target in step["targets"]}
    for each in hosts.servers:
        assert shown[each.name] == fingerprint(each.folder / "host_ed25519.pub")
        path = f"/api/tasks/{task}/steps/upload/hosts/{each.name}/key"
        refused = await asyncio.to_thread(server.ask, "POST", path, {"fingerprint": "SHA256:other"})
        assert refused[0] == 409 and shown[each.name] in refused[1]["error"]["message"]
        assert not (each.home / ".livewall").exists()
        for _ in range(2):
            assert (await asyncio.to_thread(server.ask, "POST", path, {"fingerprint": shown[each.name]}))[0] == 200
    await watcher.stop()
    found = await run_to_end(server, task)
    await check_done(server, hosts, found)
    assert {t["attempt"] for step in found["steps"] for t in step["targets"]} == {1}
    before = shown["web2"]
    await asyncio.to_thread(hosts["web2"].restart, key=True)
    failed = await run_to_end(server, await started(server))
    reason = failed["reason"]
    after = fingerprint(hosts["web2"].folder / "host_ed25519.pub")
    assert failed["state"] == "failed" and before in reason and after in reason and "web2" in reason


async def test_cancel_leaves_nothing_on_the_hosts(server: Server, hosts: Hosts) -> None:
    hosts.learn()
    script = "trap '' TERM; setsid sh -c 'trap \\\"\\\" TERM; sleep 1000' & echo up; while :; do sleep 0.1; done"
    (hosts.folder / "stubborn.toml").write_text(
        f'inventory = "hosts.toml"\n[ssh]\nknown_hosts = "known_hosts"\n[[steps]]\nname = "hang"\nhosts = "web"\n'
        f'ssh = ["sh", "-c", "{script}"]\n'
    )
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    task = await started(server, "stubborn")
    until = time.monotonic() + 20
    for each in hosts.servers:
        while True:  # the log is there once the step runs
            status, _ = await asyncio.to_thread(server.ask, "GET", f"/api/tasks/{task}/logs/hang@{each.name}/lines")
            if status == 200 and "up" in await log(server, task, f"hang@{each.name}"):
                break
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
    names = [name for each in hosts.servers for name in far_files(each.home)]
    assert len(names) == HOSTS and all(marked(name) for name in names)
    await asyncio.to_thread(server.host, "POST", f"/api/tasks/{task}/cancel")
    found = await run_to_end(server, task)
    assert found["state"] == "cancelled" and not any(marked(name) for name in names)


@pytest.mark.parametrize("act", ["cancel", "steps/hang/abort", "steps/hang/hosts/web1/skip"])
@pytest.mark.parametrize("victim", ["supervisor", "server"])
async def test_an_end_that_was_asked_for_holds_whatever_dies_at_that_moment(
    server: Server, hosts: Hosts, act: str, victim: str
) -> None:
    hosts.learn()
    (hosts.folder / "hang.toml").write_text(
        'inventory = "hosts.toml"\n[ssh]\nknown_hosts = "known_hosts"\n[[steps]]\nname = "hang"\nhosts = "web1"\n'
        f'cwd = "{hosts["web1"].home}"\nssh = ["sh", "-c", "echo up; sleep 50; echo done >> effect"]\n'
    )
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    task = await started(server, "hang")
    until = time.monotonic() + 20
    while not (hosts["web1"].home / ".livewall").exists() or not any(map(marked, far_files(hosts["web1"].home))):
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    far = list(far_files(hosts["web1"].home))
    supervisors = [pid for pid in processes_of(server, "supervisor", "/steps/") if _is_remote(pid)]
    if victim == "supervisor":
        os.kill(supervisors[0], signal.SIGKILL)
    await asyncio.to_thread(server.host, "POST", f"/api/tasks/{task}/{act}")
    if victim == "server":
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    found = await run_to_end(server, task)
    assert found["state"] in ("cancelled", "failed", "succeeded"), found
    assert found["steps"][0]["targets"][0]["state"] in ("cancelled", "skipped"), found
    left = [(pid, Path(f"/proc/{pid}/cmdline").read_bytes()) for each in far for pid in marked(each)]
    assert left == [], "what it started on the host has ended"


def processes_of(server: Server, *words: str) -> list[int]:
    """The processes below the data of a server whose command line has all these words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(server.data) in line and all(word in line for word in words):
            found.append(int(path.parent.name))
    return found


KILLED = ["server", "supervisor", "connector", "connection"]


@pytest.mark.parametrize("victim", KILLED)
async def test_whatever_is_killed_in_the_middle_the_release_ends_as_without(
    server: Server, hosts: Hosts, victim: str, chance: random.Random
) -> None:
    hosts.learn()
    for round_ in range(1, KILLS + 1):
        task = await started(server)
        pauses = [chance.uniform(0, 0.9) for _ in range(3)]
        for pause in pauses:
            await asyncio.sleep(pause)  # at a random moment: this is what is tested
            if victim == "server":
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            elif victim == "connection":
                await asyncio.to_thread(chance.choice(hosts.servers).cut)
            else:
                words = ("supervisor", "/steps/") if victim == "supervisor" else ("connector",)
                remote = [pid for pid in processes_of(server, *words) if victim == "connector" or _is_remote(pid)]
                if remote:
                    os.kill(chance.choice(remote), signal.SIGKILL)
        found = await run_to_end(server, task)
        await check_done(server, hosts, found, times=round_)
    await far_folders_gone(hosts)


def _is_remote(pid: int) -> bool:
    """Whether a supervisor runs a step on a host: what it does can be continued."""
    try:
        return b"@" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
