"""A server killed while it erases: what was begun is finished at the next start, counts stay, and no byte is left."""

from __future__ import annotations

import http.client
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from child_server import Server
from crowd import query

pytest_plugins = ("server_fixtures",)
BALLOTS = 20_000


def fill(database: Path, poll: str) -> list[str]:
    """Ballots as they would have been cast, and their receipts."""
    receipts = [secrets.token_hex(8).upper() for _ in range(BALLOTS)]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "INSERT INTO ballots VALUES (?, 1, ?, ?)", [(poll, secrets.token_bytes(16), each) for each in receipts]
        )
        connection.executemany("INSERT INTO choices VALUES (?, '2')", [(each,) for each in receipts])
        connection.execute("UPDATE rounds SET ballots = ? WHERE poll = ?", (BALLOTS, poll))
        connection.execute("INSERT INTO counts VALUES (?, 1, '2', ?)", (poll, BALLOTS))
    return receipts


def found_in(data: bytes) -> set[str]:
    """Everything in `data` that could be a receipt."""
    return {found[1].decode() for found in re.finditer(rb"(?=([0-9A-F]{16}))", data)}


def left(database: Path) -> int:
    return int(query(database, "SELECT COUNT(*) FROM ballots")[0][0])


def until(true: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come to that in twenty seconds")


def test_a_kill_in_the_middle_leaves_nothing_half_erased(
    new_server: Callable[..., Server], say: Callable[[str], None]
) -> None:
    server = new_server()
    server.start()
    poll = server.poll()
    server.host("POST", f"/api/polls/{poll}/close")
    server.stop()
    receipts = fill(server.database, poll)
    server.start()
    assert server.host("GET", f"/api/polls/{poll}/receipts/{receipts[0]}")["choices"] == ["2"]

    def erase() -> None:
        with suppress(OSError, http.client.HTTPException):
            server.ask("DELETE", f"/api/polls/{poll}/ballots")

    erasing = threading.Thread(target=erase)
    erasing.start()
    until(lambda: left(server.database) < BALLOTS)
    server.kill()
    erasing.join()
    middle = left(server.database)
    say(f"killed with {middle} of {BALLOTS} ballots left")
    assert 0 < middle < BALLOTS
    server.start()
    # Nothing answers for them from the start, and then they are gone.
    assert {server.ask("GET", f"/api/polls/{poll}/receipts/{each}")[0] for each in receipts[::1000]} == {404}
    assert server.host_bytes(f"/api/polls/{poll}/ballots.csv") == b"receipt,round,choices\r\n"
    until(lambda: left(server.database) == 0)
    assert query(server.database, "SELECT COUNT(*) FROM choices") == [(0,)]
    assert server.tally(poll) == {"round": 1, "counts": {"1": 0, "2": BALLOTS}, "ballots": BALLOTS}
    assert server.host("DELETE", f"/api/polls/{poll}/ballots")["erased_at"]
    acts = [line["act"] for line in server.host("GET", "/api/audit")["items"]]
    assert acts.count("poll.erase") == 1
    server.stop()
    held = server.database.read_bytes()
    assert receipts[0] in found_in(receipts[0].encode() + held)
    assert not found_in(held) & set(receipts)


def test_a_server_with_days_erases_at_its_start(new_server: Callable[..., Server]) -> None:
    server = new_server("--ballot-days", "30")
    server.start()
    poll = server.poll()
    server.vote(poll)
    server.host("POST", f"/api/polls/{poll}/close")
    server.stop()
    assert left(server.database) == 1
    with closing(sqlite3.connect(server.database)) as connection, connection:
        connection.execute("UPDATE rounds SET closed_at = '2020-01-01T00:00:00.000Z'")
    server.start()
    until(lambda: left(server.database) == 0)
    assert server.host("GET", f"/api/polls/{poll}")["erased_at"]
    assert "erased" in server.run("recount", poll, status=1)
