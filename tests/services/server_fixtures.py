"""A real server that starts, is killed and starts again; chance that can be had again. Named as a plugin by the tests
that use it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from child_server import Server

SECONDS = 900.0 if os.environ.get("LIVEWALL_TORTURE") else 120.0
"""For a test with servers that start and stop, on a machine that may have other work."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "new_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """What must be known of a run that passed, too: printed when the test is over, by whichever process it ran in."""

    def line(text: str) -> None:
        request.node.user_properties.append(("said", text))

    return line


@pytest.fixture
def chance(request: pytest.FixtureRequest, say: Callable[[str], None]) -> random.Random:
    """Chance with a seed that is printed; LIVEWALL_SEED gives it again."""
    seed = int(os.environ.get("LIVEWALL_SEED") or random.SystemRandom().randrange(1 << 32))
    say(f"{request.node.name}: LIVEWALL_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers, not started yet; `home` tells their folders apart."""
    made: list[Server] = []

    def make(*options: str, home: str = "home") -> Server:
        (tmp_path / home).mkdir(exist_ok=True)
        made.append(Server(tmp_path / home, *options))
        return made[-1]

    yield make
    for server in made:
        if server.process is not None:
            server.stop()
    for server in made:
        assert not server.odd_lines(), server.odd_lines()


@pytest.fixture
def child(new_server: Callable[..., Server]) -> Server:
    """A server that runs, with the default settings."""
    server = new_server()
    server.start()
    return server
