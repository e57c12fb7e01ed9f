"""A start that fails half way leaves nothing behind."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import sqlite3
import threading
from typing import Any

import pytest
from tornado.ioloop import IOLoop

import server
from livewall.settings import Settings
from livewall.store.folder import Folder, FolderInUse


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def fail_to_start(settings: Settings, error: type[Exception]) -> tuple[int, int]:
    """Threads and tasks that are there after a start that fails, beside those from before it."""
    threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
    with pytest.raises(error):
        await server.start(settings)
    # The threads of the loop's own executor belong to the loop, not to the server.
    left = [thread for thread in set(threading.enumerate()) - threads if not thread.name.startswith("asyncio_")]
    return len(left), len(asyncio.all_tasks() - tasks)


def test_a_damaged_log_database_gives_back_the_folder_the_port_and_every_thread(
    io_loop: IOLoop, settings: Settings
) -> None:
    settings.data.mkdir(parents=True, exist_ok=True)
    (settings.data / "logs.db").write_bytes(b"this is no database" * 100)
    settings = dataclasses.replace(settings, port=free_port())
    assert io_loop.run_sync(lambda: fail_to_start(settings, sqlite3.DatabaseError)) == (0, 0)
    folder = Folder(settings.data)
    folder.lock()
    folder.unlock()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", settings.port))


def test_a_step_of_the_start_that_fails_late_closes_what_came_before_it(
    io_loop: IOLoop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Any) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("livewall.tasks.runner.Runner.start", broken)
    assert io_loop.run_sync(lambda: fail_to_start(settings, OSError)) == (0, 0)


def test_a_folder_in_use_is_left_to_its_server(io_loop: IOLoop, settings: Settings) -> None:
    first = io_loop.run_sync(lambda: server.start(settings))
    try:
        assert io_loop.run_sync(lambda: fail_to_start(settings, FolderInUse)) == (0, 0)
        with pytest.raises(FolderInUse):
            Folder(settings.data).lock()
    finally:
        io_loop.run_sync(first.stop)
