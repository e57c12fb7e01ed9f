"""`livewall rehearse` against a real server: through poor wifi and a kill, interrupted, killed itself, and failing."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from child_server import Server

pytest_plugins = ("server_fixtures",)

BALLOTS = r" [1-9]\d* ballots acknowledged"


@asynccontextmanager
async def rehearsal(server: Server, *options: str) -> AsyncIterator[Process]:
    command = server.command("rehearse", *options)
    process = await asyncio.create_subprocess_exec(*command, env=server.client(), stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process, wanted: str) -> None:
    """Wait for a line of its progress that matches."""
    assert process.stderr is not None
    async for line in process.stderr:
        if re.search(wanted, line.decode()):
            return
    raise AssertionError(f"it ended without {wanted!r}")


def walls(server: Server) -> list[Any]:
    return list(server.host("GET", "/api/walls")["items"])


def polls(server: Server) -> list[Any]:
    return list(server.host("GET", "/api/polls")["items"])


async def test_a_server_killed_in_the_middle_loses_no_ballot_of_a_hall_with_poor_wifi(child: Server) -> None:
    child.expected.append("no_such")  # readers of what is taken away
    options = ("--voters", "30", "--seconds", "6", "--wifi", "poor", "--ack", "60", "--screen", "60", "--json")
    async with rehearsal(child, *options) as process:
        await said(process, BALLOTS)
        child.kill()
        await asyncio.to_thread(child.start)
        out, errors = await process.communicate()
    report = json.loads(out)
    assert process.returncode == 0 and report["passed"], (report, errors.decode())
    assert report["joined"] == 30 and sum(report["acknowledged"].values()) > 0
    assert report["returned"] > 0 and report["server"] is None  # started anew: its CPU is not what it took
    assert walls(child) == [] and polls(child) == []


async def test_ctrl_c_takes_the_wall_away(child: Server) -> None:
    async with rehearsal(child, "--voters", "20", "--seconds", "12") as process:
        await said(process, BALLOTS)
        assert len(walls(child)) == 1 and len(polls(child)) == 3
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
    assert process.returncode == 130, errors.decode()
    assert walls(child) == [] and polls(child) == []


async def test_what_a_killed_rehearsal_left_is_named_and_can_be_taken_away(child: Server) -> None:
    kept = child.host("POST", "/api/walls", {"title": "livewall rehearse, a real wall"})["code"]
    async with rehearsal(child, "--voters", "5", "--seconds", "60") as process:
        await said(process, "joined")
        process.kill()
    (left,) = [wall["code"] for wall in walls(child) if wall["code"] != kept]
    fails = ("--voters", "2", "--seconds", "4", "--ack", "0.00001")
    assert f"wall {left}" in await asyncio.to_thread(child.run, "rehearse", *fails, status=1)
    assert {wall["code"] for wall in walls(child)} == {kept, left}
    await asyncio.to_thread(child.run, "rehearse", "--clean")
    assert [wall["code"] for wall in walls(child)] == [kept]


async def test_a_limit_that_is_not_met_fails(child: Server) -> None:
    async with rehearsal(child, "--voters", "5", "--seconds", "4", "--ack", "0.00001") as process:
        out, _ = await process.communicate()
    assert process.returncode == 1
    assert "FAIL: Acknowledgements took" in out.decode()


def test_another_machine_is_asked_about_first(child: Server) -> None:
    assert "--yes" in child.run("rehearse", "--url", "http://192.0.2.1", status=2)


def test_a_server_that_is_not_there_is_said_so(new_server: Any) -> None:
    server = new_server()
    server.run("rehearse", "--wait", "0", "--token", "x", status=3)
