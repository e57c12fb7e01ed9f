"""Bringing a database of an earlier Livewall to the schema of this one, never without a copy of what was there."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from livewall.atomic_file import whole_file
from livewall.errors import Refused
from livewall.store.folder import Folder
from livewall.store.sqlite import check_version, copy_database, migrate, migrations, schema

log = logging.getLogger(__name__)

KEPT = "schema-"
"""A copy is called `livewall.db.schema-5`, after the schema it has."""


def upgrade(connection: sqlite3.Connection, folder: Folder) -> None:
    """Migrate the database of `folder`, which `connection` has open. One that holds anything is copied first.

    The copy of the migration before is removed when the new one is there. Raises NewerDatabase, Refused where the copy
    cannot be made, which leaves the database as it was, and sqlite3.Error.
    """
    before, newest = schema(connection), migrations()[-1][0]
    check_version(before)
    if before == newest:
        return
    if before:
        kept = copied(folder, before)
        log.info("the database has schema %d and is brought to %d; as it was, it is kept in %s", before, newest, kept)
    migrate(connection)
    if before:
        log.info("the database has schema %d now", schema(connection))


def copied(folder: Folder, version: int) -> Path:
    """Copy the database beside itself, and answer where. Raises Refused."""
    kept = folder.path / f"{folder.database.name}.{KEPT}{version}"
    try:
        with whole_file(kept) as part:
            copy_database(folder.database, part)
    except (OSError, sqlite3.Error) as error:
        raise Refused(
            message=f"the database in {folder.path} is of an earlier version, and the copy that is made before it is "
            f"changed cannot be written: {error}; nothing was changed. Make room for the copy and start again"
        ) from None
    for earlier in folder.path.glob(f"{folder.database.name}.{KEPT}*"):
        if earlier != kept:
            earlier.unlink()
    return kept
