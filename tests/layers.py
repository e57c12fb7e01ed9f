"""The layers of the suite: in which order their tests run, and how long each layer takes."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from itertools import groupby

import pytest

LAYERS = ("services", "browser", "js", "edge", "pages", "core")
"""The folders below `tests`, those with the longest tests first."""


def layer_of(nodeid: str) -> str:
    """Return the folder below `tests` in which a test lies."""
    return nodeid.partition("tests/")[2].partition("/")[0]


def dealt(items: Iterable[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the tests so ordered that each worker begins with long ones and ends with short ones.

    pytest-xdist gives each worker a stretch of the list, and a worker that has done its own takes from the end of
    another's: no test that takes seconds may stand there. The tests of a file stay together, as they share servers.
    """
    files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    files.sort(key=lambda tests: LAYERS.index(layer_of(tests[0].nodeid)))
    stretches: list[list[pytest.Item]] = [[] for _ in range(workers)]
    short = []
    for tests in files:
        if layer_of(tests[0].nodeid) == LAYERS[-1]:
            short += tests
        else:
            min(stretches, key=len).extend(tests)
    length = -(-(sum(map(len, stretches)) + len(short)) // workers)
    for stretch in stretches:
        room = max(0, length - len(stretch))
        stretch += short[:room]
        del short[:room]
    return [item for stretch in stretches for item in stretch]


@dataclass
class Share:
    """What a layer has of a run."""

    tests: int = 0
    seconds: float = 0.0


class Layers:
    """Prints, below everything else, how many tests each layer ran and how long they took, fixtures included."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._shares: dict[str, Share] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        share = self._shares.setdefault(layer_of(report.nodeid), Share())
        share.seconds += report.duration
        if report.when == "call":
            # A file of JavaScript is one item and says how many tests it has.
            share.tests += sum(int(value) for name, value in report.user_properties if name == "tests") or 1

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        yield
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None or not self._shares:
            return
        terminal.write_line(f"{'layer':10}{'tests':>8}{'seconds':>10}")
        for name in sorted(self._shares, key=LAYERS.index, reverse=True):
            share = self._shares[name]
            terminal.write_line(f"{name:10}{share.tests:8}{share.seconds:10.1f}")
