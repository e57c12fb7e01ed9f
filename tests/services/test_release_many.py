"""A release to many hosts: the server stays small and quick, and people on another wall vote as ever.

`make torture` runs it with 200 hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from child_server import Server
from loads import Voters, Watched, ended, pipeline, sized
from sshd import Sshd, need_sshd

pytest_plugins = ("server_fixtures",)

HOSTS = sized(200, 40)
ADDRESSES = [f"127.0.{number}.1" for number in range(1, 16)]
MOST_GROWTH = 64
"""MiB that the server may take beyond what it takes idle."""
MOST_CPU, SLACK = 20, 3
"""Milliseconds of CPU of one callback of the loop, and times that: a machine may be slow, or busy."""
RELEASE = """inventory = "hosts.toml"
[ssh]
known_hosts = "known_hosts"
[[steps]]
name = "roll"
ssh = ["sh", "-c", "echo $1; seq 1 200", "sh", "{host.name}"]
hosts = "all"
waves = [1, "10%", "rest"]
"""


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Sshd]:
    """One OpenSSH server with the usual limit of handshakes, and an inventory in which it is every host."""
    need_sshd()
    more = "".join(f"ListenAddress {address}\n" for address in ADDRESSES)
    folder = tmp_path / "pipelines"
    with Sshd(tmp_path / "sshd", more=more) as sshd:
        pipeline(folder, "release", RELEASE)
        known = "".join(f"[{address}]:{sshd.port} {sshd.host_key}\n" for address in ADDRESSES)
        (folder / "known_hosts").write_text(known)
        hosts = ",\n".join(
            f'{{ name = "h{number}", address = "{ADDRESSES[number % len(ADDRESSES)]}", port = {sshd.port},'
            f' key = "{sshd.key}" }}'
            for number in range(1, HOSTS + 1)
        )
        (folder / "hosts.toml").write_text(f"all = [\n{hosts}\n]\n")
        yield sshd


@pytest.mark.timeout(600)
async def test_many_hosts_cost_the_server_little_and_voters_nothing(
    new_server: Callable[..., Server], many: Sshd, tmp_path: Path, say: Callable[[str], None]
) -> None:
    server = new_server("--pipelines", str(tmp_path / "pipelines"))
    watched = Watched(server)
    await asyncio.to_thread(server.start)
    poll = server.host("POST", "/api/polls", {"title": "Q", "options": ["A", "B"]})["id"]
    server.host("POST", f"/api/polls/{poll}/open")
    watched.mark()
    with Voters(server, poll) as voters:
        task = str(server.host("POST", "/api/pipelines/release/tasks", {})["id"])
        held = await ended(server, task, seconds=400)
    assert held["task"]["state"] == "succeeded", held["task"]["reason"]
    targets = held["step/roll"]["targets"]
    waves = [sum(target["wave"] == wave for target in targets) for wave in (1, 2, 3)]
    assert waves == [1, HOSTS // 10, HOSTS - 1 - HOSTS // 10]
    for before, after in ((1, 2), (2, 3)):
        last = max(target["ended_at"] for target in targets if target["wave"] == before)
        assert last <= min(target["started_at"] for target in targets if target["wave"] == after)
    for number in (1, HOSTS // 2, HOSTS):
        log = server.host_bytes(f"/api/tasks/{task}/logs/roll@h{number}").decode()
        assert log.splitlines() == [f"h{number}", *map(str, range(1, 201))]
    assert set(voters.answers) == {201}
    longest, what = watched.longest()
    grown, ballot = watched.grown(), voters.median()
    say(f"{HOSTS} hosts: grown by {grown:.1f} MiB, longest callback {longest:.1f} ms, a ballot {ballot}")
    assert grown < MOST_GROWTH
    assert longest < MOST_CPU * SLACK, what
