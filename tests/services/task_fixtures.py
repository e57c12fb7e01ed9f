"""A server with pipelines. Named as a plugin, beside `server_fixtures`, by the tests of tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from child_server import Server
from loads import pipeline


@pytest.fixture
def serve(new_server: Callable[..., Server], tmp_path: Path) -> Callable[..., Server]:
    """Starts a server behind `prefix`, if any, with these pipelines by name."""

    def start(*prefix: str, **pipelines: str) -> Server:
        for name, text in pipelines.items():
            pipeline(tmp_path / "pipelines", name, text)
        server = new_server("--pipelines", str(tmp_path / "pipelines"))
        server.prefix = list(prefix)
        server.start()
        return server

    return start
