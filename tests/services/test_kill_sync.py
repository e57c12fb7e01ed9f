"""A lone ballot is acknowledged only after the disk was asked to keep it: what it asks of the system, in order."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from child_server import Server
from missing import missing
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

pytest_plugins = ("server_fixtures",)

BALLOTS = 5


class Call(NamedTuple):
    name: str
    text: str


@pytest.fixture
def traced(new_server: Callable[..., Server], tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A server whose reads, syncs and writes are noted in a file."""
    if shutil.which("strace") is None or subprocess.run(["strace", "-o", "/dev/null", "true"]).returncode != 0:
        missing("strace is missing, or may not trace: install it with the system's package manager")
    server, trace = new_server(), tmp_path / "trace"
    # -D: the server stays this test's own child.
    calls = "trace=fdatasync,fsync,recvfrom,sendto"
    server.prefix = ["strace", "-D", "-f", "-tt", "-s", "96", "-e", calls, "-e", "signal=none", "-o", str(trace)]
    server.start()
    yield server, trace


def calls(trace: Path) -> list[Call]:
    """Each call that succeeded, when it ended; a send when it began."""
    found: list[Call] = []
    for line in trace.read_text().splitlines():
        match = re.match(r"\d+ +[\d:.]+ (?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)", line)
        if match is None:
            continue
        name, text = match.groups()
        begins, ends = "resumed>" not in line, " = " in text and "<unfinished" not in text
        if (name == "sendto" and begins) or (name != "sendto" and ends and " = -1" not in text):
            found.append(Call(name, text))
    return found


def index(found: list[Call], name: str, part: str, after: int = -1) -> int:
    """The first such call after another."""
    for place, call in enumerate(found):
        if place > after and call.name == name and part in call.text:
            return place
    raise AssertionError(f"no {name} with {part!r} after {after}: {found[after + 1 :]}")


def written(trace: Path, wanted: Callable[[list[Call]], Any]) -> list[Call]:
    """The calls, once the tracer has written down what is wanted."""
    deadline = time.monotonic() + 20
    while True:
        try:
            found = calls(trace)
            wanted(found)
            return found
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_a_put_is_answered_after_an_fdatasync_of_its_own(traced: tuple[Server, Path]) -> None:
    server, trace = traced
    poll = server.poll()
    for _ in range(BALLOTS):
        assert server.vote(poll)[0] == 201
    answer = "HTTP/1.1 201 Created"

    def puts(found: list[Call]) -> list[int]:
        places = [
            n for n, call in enumerate(found) if call.name == "recvfrom" and f"PUT /api/polls/{poll}" in call.text
        ]
        assert len(places) == BALLOTS
        index(found, "sendto", answer, places[-1])
        return places

    found = written(trace, puts)
    for asked in puts(found):
        answered = index(found, "sendto", answer, asked)
        synced = [call for call in found[asked:answered] if call.name == "fdatasync"]
        assert synced, f"answered before anything was on the disk: {found[asked : answered + 1]}"


async def test_a_vote_over_a_socket_is_answered_after_an_fdatasync_of_its_own(traced: tuple[Server, Path]) -> None:
    server, trace = traced
    poll = server.poll()
    socket = await websocket_connect(
        HTTPRequest(
            f"ws://127.0.0.1:{server.port}/ws/polls/{poll}", headers={"Authorization": f"Bearer {server.voter()}"}
        )
    )
    for n in range(1, BALLOTS + 1):
        # The next is cast when the tally of the one before has come: the sync of its publication is not taken for ours.
        await socket.write_message(json.dumps({"do": "vote", "ref": f"b{n}", "choices": [str(1 + n % 2)]}))
        told = answered = False
        while not (told and answered):
            message = json.loads(await socket.read_message() or "null")
            answered = answered or (message.get("ref") == f"b{n}" and "ok" in message)
            tally = message.get("data") if message.get("key") == "tally" else None
            told = told or bool(tally and tally["ballots"] and tally["counts"][str(1 + n % 2)] == 1)
    socket.close()
    assert await socket.read_message() is None
    found = written(trace, lambda found: index(found, "sendto", rf"\"ref\":\"b{BALLOTS}\""))
    before = index(found, "sendto", "101 Switching Protocols")
    for n in range(1, BALLOTS + 1):
        answer = index(found, "sendto", rf"\"ref\":\"b{n}\"", before)
        synced = [call for call in found[before:answer] if call.name == "fdatasync"]
        assert synced, f"answered before anything was on the disk: {found[before : answer + 1]}"
        before = index(found, "sendto", r"\"key\":\"tally\"", answer)
