"""Data folders whose databases have their tables already: they are made once in a process and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from livewall.store.folder import Folder
from livewall.store.sqlite import connect, migrate
from livewall.tasks.logs import schema


@pytest.fixture(scope="session")
def migrated_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that no server has used. It must not be changed."""
    folder = Folder(tmp_path_factory.mktemp("migrated") / "data")
    database = connect(folder.create_database(), writer=True)
    migrate(database)
    database.close()
    logs = folder.path / "logs.db"
    logs.touch()
    schema.open_database(logs, writer=True).close()
    return folder.path


@pytest.fixture
def new_data(migrated_data: Path, tmp_path: Path) -> Path:
    """A data folder for a server of the test's own."""
    return shutil.copytree(migrated_data, tmp_path / "data")
