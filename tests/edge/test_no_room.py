"""As many connections as there is room for: new ones wait, silent ones give way, those that vote or watch go on."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest
from clients import Client
from rawclient import Raw
from test_slow_requests import Clock

from handlers.transport import server as door

GET = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def wait(running: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(door, "PAUSE", 0.01)
    made = Clock(running)
    made.http_port = running.port
    return made


async def answered(raw: Raw) -> None:
    raw.say(GET)
    assert (await raw.answer())[0] == 200


async def test_silent_connections_give_way_and_it_is_said_once(
    client: Client, running: Any, wait: Clock, expected_logs: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    expected_logs.append("no room for another connection")
    poll = (await client.poll())["id"]
    reader, voter = await wait.raw(), await wait.raw()
    await reader.socket(f"/ws/polls/{poll}")
    await answered(voter)
    http = running.http
    http.max_connections = http.connections.count + 3
    silent = [await wait.raw() for _ in range(3)]
    new = await Raw.open(running.port)
    new.say(GET)
    await wait.until(lambda: http._paused is not None)
    assert http.connections.count == http.max_connections
    wait(2)
    assert (await new.answer())[0] == 200
    assert await silent[0].rest() == b""
    await answered(voter)
    await client.vote(poll, "1")
    await reader.reader.readuntil(b'"ballots":1')
    assert len([r for r in caplog.records if "no room" in r.getMessage()]) == 1
    for raw in (reader, voter, new, *silent):
        raw.close()


async def test_where_nobody_is_silent_those_that_are_idle_for_longest_give_way(
    running: Any, wait: Clock, expected_logs: list[str]
) -> None:
    expected_logs.append("no room for another connection")
    http = running.http
    http.max_connections = 3
    held = []
    for _ in range(3):
        raw = await wait.raw()
        await answered(raw)
        held.append(raw)
        wait(4)
    new = await Raw.open(running.port)
    await answered(new)
    assert await held[0].rest() == b""
    await answered(held[2])
    for raw in (new, *held):
        raw.close()


async def test_readers_never_give_way(client: Client, running: Any, wait: Clock, expected_logs: list[str]) -> None:
    expected_logs.append("no room for another connection")
    poll = (await client.poll())["id"]
    client.http.close()
    http = running.http
    await wait.until(lambda: not http.connections.count)
    readers = [await wait.raw() for _ in range(3)]
    for raw in readers:
        await raw.socket(f"/ws/polls/{poll}")
    http.max_connections = 3
    new = await Raw.open(running.port)
    new.say(GET)
    await wait.until(lambda: http._paused is not None)
    wait(60)
    assert http.connections.count == 3
    readers[0].close()
    assert (await new.answer())[0] == 200
    for raw in (new, *readers):
        raw.close()


async def test_when_the_system_has_no_file_left_nobody_is_asked_in_for_a_moment(
    running: Any, wait: Clock, expected_logs: list[str]
) -> None:
    expected_logs.append("no room for another connection")
    http = running.http
    tries = []

    class Full:
        def fileno(self) -> int:
            return int(listening.fileno())

        def accept(self) -> Any:
            tries.append(1)
            if len(tries) < 4:
                raise OSError(errno.EMFILE, "Too many open files")
            return listening.accept()

        def close(self) -> None:
            listening.close()

    listening: socket.socket = http._listening[0]
    asyncio.get_running_loop().remove_reader(listening)
    http._listening[0] = Full()
    http._resume_accepting()
    raw = await Raw.open(running.port)
    await answered(raw)
    assert 4 <= len(tries) <= 6
    raw.close()
