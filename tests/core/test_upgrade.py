"""A database of each earlier Livewall, with data in it, is brought to the schema of this one, and kept as it was."""

from __future__ import annotations

import logging
import sqlite3
import stat
from pathlib import Path

import pytest

from livewall.errors import NotFound, Refused
from livewall.rooms import rows as room_rows
from livewall.rooms.inbox_rows import addressee
from livewall.store import upgrade as upgrading
from livewall.store.backup import restore
from livewall.store.folder import Folder
from livewall.store.sqlite import connect, migrations, schema, set_meta, statements
from livewall.store.upgrade import upgrade
from livewall.voting import receipts, rows
from livewall.voting.recount import recount

NEWEST = migrations()[-1][0]
EARLIER = range(1, NEWEST)

DATA = {
    1: """
        INSERT INTO walls VALUES ('K7M2QD', 'Forum', '["polls/p"]', 'polls/p', 1, '2026-01-01T00:00:00.000Z');
        INSERT INTO polls VALUES ('p', 'K7M2QD', 'Who?', 'single', '[{"id":"1","label":"Ann"},{"id":"2","label":"Bo"}]',
            'closed', 1, 'live', 0, 'open', 1, 1, NULL, NULL, NULL, 1, 0, 3, '2026-01-01T00:00:00.000Z', '{}');
        INSERT INTO rounds (poll, round, ballots, changed, told) VALUES ('p', 1, 1, 1, 1);
        INSERT INTO counts VALUES ('p', 1, '2', 1);
        INSERT INTO ballots VALUES ('p', 1, X'00', '0123456789ABCDEF');
        INSERT INTO choices VALUES ('0123456789ABCDEF', '2');
        INSERT INTO streams VALUES ('polls/p', 4, 4, 4, 0);
        INSERT INTO kept VALUES ('polls/p', 4, 1, 'tally', '{}', '2026-01-02T00:00:00.000Z');
        INSERT INTO tasks (id, number, title, state, reason, owner, started_by, created_at)
            VALUES ('t', 1, 'Release', 'succeeded', '', '', '', '2026-01-01T00:00:00.000Z');
        INSERT INTO credentials (id, hash, kind, role, name, created_at)
            VALUES ('c', X'01', 'token', 'host', 'Lin', '2026-01-01T00:00:00.000Z')""",
    3: "INSERT INTO codes (wall, number, hash) VALUES ('K7M2QD', 1, X'02')",
    12: """
        INSERT INTO people VALUES ('ops', 'abcdefghijkl', 'Ann', 1, NULL, '2026-01-01T00:00:00.000Z');
        INSERT INTO messages (room, number, said_by, given, name, role, text, said_at)
            VALUES ('ops', 1, 'abcdefghijkl', 'x', 'Ann', '', 'Hello THERE', '2026-01-01T00:00:00.000Z')""",
    4: "INSERT INTO audit VALUES (1, '2026-01-01T00:00:00.000Z', 'Lin', 'host', 'c', 'opened', 'polls/p', '{}')",
}
"""What the schema of that number could first hold."""


def database(folder: Folder, version: int) -> sqlite3.Connection:
    """What a Livewall of that schema left; its last commit is still in the write-ahead log."""
    connection = connect(folder.create_database(), writer=True)
    connection.execute("CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")
    for number, path in migrations():
        if number <= version:
            for statement in [*statements(path.read_text()), *statements(DATA.get(number, ""))]:
                connection.execute(statement)
    for name, value in {"schema": str(version), "epoch": "k3f9", "nonce": "0"}.items():
        set_meta(connection, name, value)
    return connection


@pytest.mark.parametrize("version", EARLIER)
def test_a_database_of_an_earlier_schema_is_migrated_with_its_data_and_kept_as_it_was(
    tmp_path: Path, version: int, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Folder(tmp_path / "data")
    connection = database(folder, version)
    with caplog.at_level(logging.INFO):
        upgrade(connection, folder)
    assert schema(connection) == NEWEST
    assert rows.find(connection, "p").poll.title == "Who?"
    assert receipts.find(connection, "p", "0123456789ABCDEF").choices == ("2",)
    if version >= 12:
        assert room_rows.person(connection, "ops", "abcdefghijkl").muted
        [found] = room_rows.history(connection, "ops", before=None, after=None, limit=5, search="there")
        assert found.n == 1
        with pytest.raises(NotFound):
            addressee(connection, "ops", "abcdefghijkl")
    connection.close()
    (held,) = recount(folder.database, "p")
    assert held.agrees and held.counted.counts == {"1": 0, "2": 1}
    kept = folder.path / f"livewall.db.schema-{version}"
    copy = sqlite3.connect(kept)
    assert schema(copy) == version and copy.execute("SELECT receipt FROM ballots").fetchall() == [("0123456789ABCDEF",)]
    assert not copy.execute("SELECT 1 FROM meta WHERE name = 'nonce'").fetchall(), "it is no original"
    copy.close()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    said = caplog.text
    assert f"from schema {version} to {NEWEST}" in said and str(kept) in said
    assert f"now has schema {NEWEST}" in said


def test_the_copy_goes_back_as_a_backup_does(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    connection = database(folder, NEWEST - 1)
    upgrade(connection, folder)
    connection.execute("DELETE FROM ballots")
    connection.close()
    restore(folder.path, folder.path / f"livewall.db.schema-{NEWEST - 1}")
    held = sqlite3.connect(folder.database)
    assert schema(held) == NEWEST - 1 and held.execute("SELECT COUNT(*) FROM ballots").fetchone() == (1,)
    held.close()


def test_the_copy_is_kept_until_the_next_migration_has_its_own(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    (folder.path / "livewall.db.schema-0").write_text("of the migration before")
    connection = database(folder, NEWEST - 1)
    upgrade(connection, folder)
    upgrade(connection, folder)
    connection.close()
    assert [path.name for path in folder.path.glob("*.schema-*")] == [f"livewall.db.schema-{NEWEST - 1}"]


def test_a_new_database_and_one_of_this_schema_are_not_copied_and_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Folder(tmp_path / "data")
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            connection = connect(folder.create_database(), writer=True)
            upgrade(connection, folder)
            connection.close()
    assert not caplog.records and not list(folder.path.glob("*.schema-*"))


def test_where_no_copy_can_be_written_nothing_is_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path / "data")
    connection = database(folder, NEWEST - 1)

    def full(source: Path, file: Path, **meta: str) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(upgrading, "copy_database", full)
    with pytest.raises(Refused, match="disk is full; nothing was changed"):
        upgrade(connection, folder)
    assert schema(connection) == NEWEST - 1 and not list(folder.path.glob("*schema*"))
    connection.close()
