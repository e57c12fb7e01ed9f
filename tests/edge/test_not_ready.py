"""Readiness follows what the database takes."""

from __future__ import annotations

from typing import Any

from clients import ADMIN, Client


async def test_a_database_that_takes_no_more_pages_is_not_ready(
    client: Client, running: Any, expected_logs: list[str]
) -> None:
    expected_logs += ["the database refused a commit", "unavailable"]
    assert (await client.ask("GET", "/readyz")).status == 200
    connection = running.services.store._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    long = {"title": "T" * 500, "options": ["x" * 200] * 1 + [f"{n}" + "y" * 190 for n in range(30)]}
    statuses = [(await client.ask("POST", "/api/polls", long, token=ADMIN)).status for _ in range(12)]
    assert statuses[-1] == 503
    assert (await client.ask("GET", "/readyz")).status == 503
    connection.execute("PRAGMA max_page_count = 1000000")
    assert (await client.ask("GET", "/readyz")).status == 200
    assert (await client.ask("POST", "/api/polls", long, token=ADMIN)).status == 201
