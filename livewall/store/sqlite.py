"""SQLite as Livewall uses it: opening connections, and numbered migrations. Knows no table but `meta`."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from pathlib import Path

from livewall.errors import LivewallError

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_MS = 1000


class NewerDatabase(LivewallError):
    """The database was written by a later version of Livewall."""

    default = "conflict"


def connect(path: Path, *, writer: bool) -> sqlite3.Connection:
    """Open a connection in WAL mode whose commits are on disk (synchronous=FULL) when they return."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    if writer:
        connection.execute("PRAGMA secure_delete = ON")  # deleted ballots are overwritten in the file
    else:
        connection.execute("PRAGMA query_only = ON")
    return connection


def migrations(folder: Path = MIGRATIONS) -> list[tuple[int, Path]]:
    numbered = [(int(match[1]), p) for p in folder.iterdir() if (match := re.fullmatch(r"(\d{4})_\w+\.sql", p.name))]
    return sorted(numbered)


def migrate(connection: sqlite3.Connection, folder: Path = MIGRATIONS) -> int:
    """Bring the database to the newest schema, with one transaction for each migration; return the version.

    Raises NewerDatabase if the database is newer than this program, and does not change it then.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")
    version = schema(connection)
    check_version(version, folder)
    for number, path in migrations(folder):
        if number <= version:
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements(path.read_text()):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO meta VALUES ('schema', :v) ON CONFLICT (name) DO UPDATE SET value = :v", {"v": str(number)}
            )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        version = number
    return version


def schema(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration that was applied, or 0 for a database without tables of Livewall."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return 0
    row = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    return int(row[0]) if row else 0


def check_version(version: int, folder: Path = MIGRATIONS) -> None:
    """Raise NewerDatabase for a schema that this program does not know."""
    newest = migrations(folder)[-1][0]
    if version > newest:
        raise NewerDatabase(
            message=f"the database has schema {version} and this Livewall knows {newest}: it was written by a newer "
            "version; install that version, or start with another data folder"
        )


def set_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute(
        "INSERT INTO meta VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value",
        {"name": name, "value": value},
    )


def copy_database(source: Path, file: Path, **meta: str) -> None:
    """Copy the database `source` to the empty `file`, and add `meta`. `source` may be in use.

    The copy has no nonce, so it gets an epoch of its own when it is opened. Raises sqlite3.Error.
    """
    connection = connect(source, writer=False)
    try:
        connection.execute("PRAGMA query_only = OFF")
        # The name is passed as bytes and cast, because it need not be valid UTF-8.
        connection.execute("VACUUM INTO CAST(:file AS TEXT)", {"file": os.fsencode(file)})
    finally:
        connection.close()
    copy = sqlite3.connect(file, isolation_level=None)
    try:
        copy.execute("PRAGMA journal_mode = MEMORY")  # no journal file; an interrupted copy is thrown away
        copy.execute("DELETE FROM meta WHERE name = 'nonce'")
        for name, value in meta.items():
            set_meta(copy, name, value)
    finally:
        copy.close()


def statements(script: str) -> list[str]:
    """Return the statements of a migration.

    Comments must be lines of their own, and no literal may have a semicolon.
    """
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    return [s.strip() for s in "\n".join(lines).split(";") if s.strip()]


def roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction that failed, or one that only read.

    On a full disk SQLite rolls the whole transaction back by itself; after other errors it leaves it open.
    """
    if connection.in_transaction:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            log.error("a rollback failed: %s", error)
