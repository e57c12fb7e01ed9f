"""A hall that is checked at the end of its test, and a hub that yields after every reader."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hall import Hall

from livewall.hub import hub as hub_module


@pytest.fixture
def hall() -> Iterator[Hall]:
    hall = Hall()
    yield hall
    hall.settle()
    hall.check_end()


@pytest.fixture
def in_small_steps() -> Iterator[None]:
    with patch.multiple(hub_module, READERS_PER_TURN=1, SNAPSHOTS_PER_TURN=1, BATCH_BYTES=100):
        yield
