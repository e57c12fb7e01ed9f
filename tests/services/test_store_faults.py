"""When the disk is full or the database is locked: writers are told 503, readers go on, and it passes by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from child_server import Server
from crowd import Crowd, readers
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect
from watchers import TRANSPORTS

pytest_plugins = ("server_fixtures",)

EXPECTED = ["the database refused a commit", "a write failed", ": unavailable"]


class Fault(Protocol):
    server: Server

    def begin(self) -> None: ...

    def end(self) -> None: ...


class SmallDisk:
    """The data folder on a file system of 6 MiB that is filled up."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.filler = server.data / "filler"

    def begin(self) -> None:
        with contextlib.suppress(OSError), self.filler.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size) == size:
                        pass

    def end(self) -> None:
        self.filler.unlink()


class Quota:
    """A limit on how long a file of the server may become."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def begin(self) -> None:
        assert self.server.process is not None
        self.before = resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (4096, self.before[1]))

    def end(self) -> None:
        assert self.server.process is not None
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, self.before)


class Lock:
    """Another program that holds the database."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def begin(self) -> None:
        self.connection = sqlite3.connect(self.server.database, isolation_level=None, check_same_thread=False)
        self.connection.execute("BEGIN EXCLUSIVE")

    def end(self) -> None:
        self.connection.execute("ROLLBACK")
        self.connection.close()


@pytest.fixture(params=["small disk", "quota", "lock"])
def fault(request: pytest.FixtureRequest, new_server: Callable[..., Server]) -> Iterator[Fault]:
    server = new_server()
    server.expected += EXPECTED
    if request.param == "small disk":
        server.data.mkdir(mode=0o700)
        mount = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "livewall-test", str(server.data)]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
            # The quota says the same of SQLite's other way to fail, and needs no right.
            pytest.skip("a file system can be mounted by root only")
    try:
        server.start()
        kinds: dict[str, Callable[[Server], Fault]] = {"small disk": SmallDisk, "quota": Quota, "lock": Lock}
        yield kinds[request.param](server)
    finally:
        server.stop()
        if request.param == "small disk":
            subprocess.run(["umount", str(server.data)], check=True)


async def vote_by_socket(server: Server, poll: str) -> Any:
    """The answer to a vote."""
    headers = {"Authorization": f"Bearer {server.voter()}"}
    socket = await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{server.port}/ws/polls/{poll}", headers=headers))
    await socket.write_message(json.dumps({"do": "vote", "ref": "v", "choices": ["1"]}))
    try:
        while True:
            message = json.loads(await socket.read_message() or "null")
            if message.get("ref") == "v":
                return message
    finally:
        socket.close()


async def test_writers_get_503_readers_go_on_and_it_recovers_without_a_restart(fault: Fault) -> None:
    server = fault.server
    poll, other = server.poll(), server.poll(closes_in=1)
    assert server.vote(poll, "2")[0] == 201
    assert server.process is not None
    process = server.process.pid
    async with readers(server.url, f"polls/{poll}") as watchers:
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"]["ballots"] == 1)
        fault.begin()
        (status, found), by_socket, (made, problem) = await asyncio.gather(
            asyncio.to_thread(server.vote, poll),
            vote_by_socket(server, poll),
            asyncio.to_thread(server.ask, "POST", "/api/polls", {"title": "T", "options": ["A", "B"]}),
        )
        assert (status, found["error"]["code"]) == (503, "unavailable")
        assert by_socket["error"]["code"] == "unavailable"
        assert (made, problem["error"]["code"]) == (503, "unavailable")
        # Whoever comes now sees the poll as it stands, over each transport.
        async with readers(server.url, f"polls/{poll}") as late:
            assert [w.checker.state["tally"]["ballots"] for w in late] == [1] * len(TRANSPORTS)
        assert server.tally(poll)["ballots"] == 1
        assert server.ask("GET", "/readyz", token="")[0] == 503
        fault.end()
        status, found = await asyncio.to_thread(server.vote, poll, "2")
        assert status == 201, found
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"]["counts"]["2"] >= 2)
        assert [w.connections for w in watchers[:2]] == [1, 1], "a reader was sent away"
        # What was due meanwhile is done now.
        async with readers(server.url, f"polls/{other}") as late:
            for watcher in late:
                await watcher.until(lambda c: c.state["poll"]["phase"] == "closed")
    assert server.process.pid == process and server.process.poll() is None
    assert server.recounted(poll) == {"round": 1, "counts": {"1": 0, "2": 2}, "ballots": 2}


async def test_ballots_that_meet_a_fault_are_all_in_when_it_is_over(fault: Fault) -> None:
    server = fault.server
    poll = server.poll()
    crowd = Crowd(server.url, poll, random.Random(7), [0] * 60 + [1] * 40)
    async with readers(server.url, f"polls/{poll}") as watchers:
        casting = asyncio.ensure_future(crowd.cast())
        await crowd.until(lambda: crowd.acknowledged >= 30)
        fault.begin()
        refused = crowd.refused
        await crowd.until(lambda: crowd.refused >= refused + 10)
        fault.end()
        await casting
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"]["counts"] == {"1": 60, "2": 40})
        await crowd.check_receipts()
    assert server.recounted(poll)["ballots"] == 100
