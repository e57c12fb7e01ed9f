"""The database of the logs, DATA/logs.db. It is separate from everything else, so that no log delays a ballot."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from livewall.store.sqlite import BUSY_MS, NewerDatabase

VERSION = 1
SCHEMA = """
CREATE TABLE logs (
    -- Never used twice: what is left of a log that was deleted still has the number.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT NOT NULL,
    step TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    newlines INTEGER NOT NULL,
    -- 1 where the last line is unfinished
    partial INTEGER NOT NULL,
    -- line numbers that its gaps need beyond the newlines seen in them
    extra INTEGER NOT NULL,
    -- where its open rows begin
    closed INTEGER NOT NULL,
    -- the size of its rows, roughly
    stored INTEGER NOT NULL,
    -- ms since 1970
    touched INTEGER NOT NULL,
    UNIQUE (task, step)
);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL,
    -- newlines of the log before it, and in it
    before INTEGER NOT NULL,
    newlines INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    marks BLOB NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX chunks_by_offset ON chunks (log, start);
CREATE INDEX chunks_by_line ON chunks (log, before, start);
CREATE TABLE gaps (
    log INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    before INTEGER NOT NULL,
    after INTEGER NOT NULL,
    broken INTEGER NOT NULL,
    PRIMARY KEY (log, start)
) WITHOUT ROWID;
-- Logs that are gone and whose rows are deleted a few at a time.
CREATE TABLE doomed (log INTEGER PRIMARY KEY)
"""


def open_database(path: Path, *, writer: bool) -> sqlite3.Connection:
    """Open a connection whose commits are on disk when they return; that of the writer creates the tables.

    Raises sqlite3.Error, and NewerDatabase if a newer version wrote the database, which is not changed then.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if not writer:
            connection.execute("PRAGMA query_only = ON")
            return connection
        path.chmod(0o600)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise NewerDatabase(
                message=f"{path.name} has schema {version} and this Livewall knows {VERSION}: it was written by a "
                "newer version; install that version, or start with another data folder"
            )
        if version == 0:  # has an effect only before the first table exists
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        if version == 0:
            make_tables(connection)
        return connection
    except BaseException:
        connection.close()
        raise


def make_tables(connection: sqlite3.Connection) -> None:
    lines = [line for line in SCHEMA.splitlines() if not line.lstrip().startswith("--")]
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in "\n".join(lines).split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
