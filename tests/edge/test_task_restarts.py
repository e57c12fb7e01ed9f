"""Delays of tasks that run here, over a restart of the server."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from clients import ADMIN, Client
from watchers import Watcher

import server
from livewall.clock import later, utc_now
from livewall.settings import Settings


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "again.toml").write_text(
        '[[steps]]\nname = "a"\nrun = ["sh", "-c", "test -e again || { touch again; exit 1; }"]\n'
        "retries = 1\nretry_delay = 3600\n"
    )
    return replace(settings, pipelines=folder)


async def test_a_retry_comes_when_it_was_due_and_not_a_whole_delay_after_a_restart(
    client: Client, settings: Settings, running: server.Running
) -> None:
    task = (await client.host("POST", "/api/pipelines/again/tasks", {}))["id"]
    watcher = Watcher(client.url, "websocket", f"tasks/{task}", token=ADMIN)
    watcher.start()
    await watcher.until(lambda c: c.state.get("step/a", {}).get("state") == "retrying")
    await watcher.stop()
    await running.stop()
    database = sqlite3.connect(settings.data / "livewall.db")
    [(due,)] = database.execute("SELECT retry_at FROM steps").fetchall()
    assert later(utc_now(), 3500) < due < later(utc_now(), 3601)
    with database:  # an hour passes
        database.execute("UPDATE steps SET retry_at = ?", (later(utc_now() + timedelta(seconds=0.2), 0),))
    database.close()
    again = await server.start(settings)
    try:
        watcher = Watcher(f"http://127.0.0.1:{again.port}", "websocket", f"tasks/{task}", token=ADMIN)
        watcher.start()
        await watcher.until(lambda c: c.state.get("task", {}).get("state") == "succeeded")
        assert watcher.checker.state["step/a"]["attempt"] == 2
        await watcher.stop()
    finally:
        await again.stop()
