"""What all tests share. Being here puts this folder on the path: `from checker import Checker`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator

import coroutines
import data_folders
import javascript
import layers
import pytest
from hypothesis import HealthCheck, Phase, settings

# Containers often set this. The tests start hundreds of processes, and each would compile every module again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The property tests are quick in the suite and deep under `make torture` (--hypothesis-profile=deep); a failure is
# found again with --hypothesis-seed.
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "quick",
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=_QUIET,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
settings.register_profile("deep", settings.get_profile("quick"), max_examples=500, stateful_step_count=80)
settings.load_profile("quick")


class _Said:
    """Prints what a test said (`say`), also where it ran in a process of its own."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        said = [str(text) for name, text in report.user_properties if name == "said"]
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.when == "teardown" and said and terminal is not None:
            terminal.write("".join(f"\n    {line}" for line in said))


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what runs in the background with SIGINT ignored, and every child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist has nobody to tell
        config.pluginmanager.register(_Said(config))
        config.pluginmanager.register(layers.Layers(config))
    for plugin in (coroutines, data_folders, javascript):
        config.pluginmanager.register(plugin)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = layers.dealt(items, workers)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record)


@pytest.fixture(autouse=True)
def expected_logs(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Warnings and errors that a test did not announce (by appending a part of them here) fail it."""
    expected: list[str] = []
    handler = _Lines()
    root = logging.getLogger()
    root.addHandler(handler)
    yield expected
    root.removeHandler(handler)
    odd = [r.getMessage() for r in handler.lines if not any(part in r.getMessage() for part in expected)]
    assert not odd, f"unexpected log lines: {odd}"
