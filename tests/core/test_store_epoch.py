"""When a database is taken for a copy: never because its server was killed while it started."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from livewall.store.folder import Folder
from livewall.store.sqlite import migrate
from livewall.store.store import settle_epoch


class Killed(Exception):
    pass


class Dying(Folder):
    """A folder whose server is killed before or after its n-th write of nonces."""

    def __init__(self, path: Path, writes: float) -> None:
        super().__init__(path)
        self.left = writes

    def write_nonces(self, *nonces: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed
        super().write_nonces(*nonces)
        if self.left < 0.5:
            raise Killed


def opened() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    return connection


@pytest.mark.parametrize("writes", [0, 0.5, 1, 1.5])
def test_a_server_killed_while_it_starts_keeps_its_epoch(tmp_path: Path, writes: float) -> None:
    connection = opened()
    epoch = settle_epoch(connection, Folder(tmp_path))
    for _ in range(3):
        with pytest.raises(Killed):
            settle_epoch(connection, Dying(tmp_path, writes))
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    assert settle_epoch(connection, Folder(tmp_path)) == epoch


def test_a_copy_of_the_database_has_an_epoch_of_its_own(tmp_path: Path) -> None:
    connection = opened()
    epoch = settle_epoch(connection, Folder(tmp_path))
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    assert settle_epoch(connection, Folder(tmp_path)) == epoch
    assert settle_epoch(copy, Folder(tmp_path)) != epoch
