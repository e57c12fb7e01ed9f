"""A real server whose machine's clock is set while it runs, and what its next start makes of it."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from child_server import Server
from clocks import Clock

pytest_plugins = ("server_fixtures",)

SAID = "the clock of this machine is"


def phase(server: Server, poll: str) -> Any:
    return server.host("GET", f"/api/polls/{poll}")["phase"]


def left(server: Server, poll: str) -> float:
    """Seconds to the end, as a page counts them down."""
    found = server.host("GET", f"/api/polls/{poll}")
    return (datetime.fromisoformat(found["closes_at"]) - datetime.fromisoformat(found["now"])).total_seconds()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_poll_ends_when_it_was_to_end_and_is_shown_closed_where_ballots_are_refused(
    new_server: Callable[..., Server], tmp_path: Path, hours: int
) -> None:
    clock, server = Clock(tmp_path), new_server()
    server.prefix = clock.prefix
    server.expected.append(SAID)
    server.start()
    _, link = server.ask("POST", "/api/logins", {"role": "host"})
    poll, short, voter = server.poll(closes_in=600), server.poll(closes_in=3), server.voter()
    begin = time.monotonic()
    assert server.vote(short, "1", voter)[0] == 201
    clock.set(hours * 3600)
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
    with urllib.request.urlopen(f"{server.url}/login/{link['link'].rpartition('/')[2]}") as page:
        assert page.status == 200, "a link that signs in holds as long as it was to"
    # What the wall clock says counts at the next start.
    assert server.stop() == 0
    server.start()
    deadline = time.monotonic() + 20
    while hours > 0 and phase(server, poll) == "open" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert phase(server, poll) == ("closed" if hours > 0 else "open")
    assert (server.vote(poll)[0] == 409) is (hours > 0)
