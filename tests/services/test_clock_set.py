"""A real server whose machine's clock is set while it runs (libfaketime), and what its next start makes of it."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from child_server import Server

pytest_plugins = ("server_fixtures",)

FAKETIME = [*glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"), *glob.glob("/usr/lib/faketime/libfaketimeMT.so.1")]
pytestmark = pytest.mark.skipif(not FAKETIME, reason="needs libfaketime (Debian's package faketime)")
SAID = "the clock of this machine is"


class Machine:
    """The clock of a server's machine, which this file says."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, hours: int) -> None:
        self.file.write_text(f"{hours * 3600:+d}\n")

    def prefix(self) -> list[str]:
        return [
            "env", f"LD_PRELOAD={FAKETIME[0]}", f"FAKETIME_TIMESTAMP_FILE={self.file}", "DONT_FAKE_MONOTONIC=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1",
        ]  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "clock")


def phase(server: Server, poll: str) -> Any:
    return server.host("GET", f"/api/polls/{poll}")["phase"]


def left(server: Server, poll: str) -> float:
    """Seconds to the end, as a page counts them down."""
    found = server.host("GET", f"/api/polls/{poll}")
    return (datetime.fromisoformat(found["closes_at"]) - datetime.fromisoformat(found["now"])).total_seconds()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_poll_ends_when_it_was_to_end_and_is_shown_closed_where_ballots_are_refused(
    new_server: Callable[..., Server], machine: Machine, hours: int
) -> None:
    server = new_server()
    server.prefix = machine.prefix()
    server.expected.append(SAID)
    server.start()
    _, link = server.ask("POST", "/api/logins", {"role": "host"})
    poll, short, voter = server.poll(closes_in=600), server.poll(closes_in=3), server.voter()
    begin = time.monotonic()
    assert server.vote(short, "1", voter)[0] == 201
    machine.set(hours)
    assert server.vote(poll, "1", voter)[0] == 201 and phase(server, poll) == "open"
    assert 590 < left(server, poll) <= 600
    while (answer := server.vote(short))[0] == 201:
        assert time.monotonic() < begin + 30
    assert answer[1]["error"]["code"] == "closed" and time.monotonic() - begin > 2.9
    assert phase(server, short) == "closed"
    longer = server.host("POST", f"/api/polls/{poll}/timer", {"add": 60})
    assert 640 < left(server, poll) <= 660 and longer["phase"] == "open"
    (made,) = [each for each in server.host("GET", "/api/polls")["items"] if each["id"] == poll]
    assert made["closes_at"] == longer["closes_at"]
    assert link["expires_at"] > server.host("GET", f"/api/polls/{poll}")["now"], "a link holds as long as it was to"
    # What the wall clock says counts at the next start.
    assert server.stop() == 0
    server.start()
    deadline = time.monotonic() + 20
    while hours > 0 and phase(server, poll) == "open" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert phase(server, poll) == ("closed" if hours > 0 else "open")
    assert (server.vote(poll)[0] == 409) is (hours > 0)
