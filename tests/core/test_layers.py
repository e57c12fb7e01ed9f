"""The order in which the tests run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from layers import dealt


def some(path: str, number: int) -> list[Any]:
    return [SimpleNamespace(path=Path(path), nodeid=f"{path}::{n}") for n in range(number)]


SERVICES = [some(f"tests/services/test_{name}.py", 10) for name in "abc"]
CORE = [some(f"tests/core/test_{name}.py", 45) for name in "de"]
ALL = [item for tests in CORE + SERVICES for item in tests]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_test_runs_once_and_those_of_a_file_stay_together(workers: int) -> None:
    order = dealt(ALL, workers)
    assert sorted(map(id, order)) == sorted(map(id, ALL))
    for tests in SERVICES:
        start = order.index(tests[0])
        assert order[start : start + len(tests)] == tests


@pytest.mark.parametrize("workers", [2, 3])
def test_every_worker_begins_with_long_tests_and_ends_with_short_ones(workers: int) -> None:
    order = dealt(ALL, workers)
    for worker in range(workers):
        stretch = order[worker * len(ALL) // workers : (worker + 1) * len(ALL) // workers]
        assert "services" in stretch[0].nodeid and "core" in stretch[-1].nodeid
