"""A real server in the test's own loop, and a client that speaks to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clients import ADMIN, Client
from tornado.ioloop import IOLoop
from tornado.simple_httpclient import SimpleAsyncHTTPClient

import server
from livewall.settings import Settings


@pytest.fixture
def settings(new_data: Path) -> Settings:
    return Settings(port=0, data=new_data, admin_token=ADMIN, rate_limits=False)


@pytest.fixture
def running(io_loop: IOLoop, settings: Settings) -> Iterator[server.Running]:
    made = io_loop.run_sync(lambda: server.start(settings))
    assert made is not None
    yield made
    io_loop.run_sync(made.stop, timeout=20)


@pytest.fixture
def client(io_loop: IOLoop, running: server.Running) -> Iterator[Client]:
    async def make() -> Client:
        return Client(f"http://127.0.0.1:{running.port}", SimpleAsyncHTTPClient(force_instance=True, max_clients=600))

    made = io_loop.run_sync(make)
    assert made is not None
    yield made

    async def leave() -> None:
        for socket in made.sockets:
            socket.close()
        for socket in made.sockets:
            await socket.closed()
        made.http.close()

    io_loop.run_sync(leave, timeout=20)
