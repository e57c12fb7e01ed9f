"""Migrates a database of an earlier version to the present schema, after copying it."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from livewall.atomic_file import whole_file
from livewall.errors import Refused
from livewall.store.folder import Folder
from livewall.store.sqlite import check_version, copy_database, migrate, migrations, schema

log = logging.getLogger(__name__)

COPY_SUFFIX = "schema-"
"""The suffix of a copy, followed by the number of its schema, as in `livewall.db.schema-5`."""


def upgrade(connection: sqlite3.Connection, folder: Folder) -> None:
    """Migrate the database of `folder`, which `connection` has open. Unless it is new, it is copied first.

    The copy of an earlier migration is removed once the new copy is complete. Raises NewerDatabase, sqlite3.Error, and
    Refused if the copy cannot be made; the database is not changed then.
    """
    before, newest = schema(connection), migrations()[-1][0]
    check_version(before)
    if before == newest:
        return
    if before:
        copy = copy_before_upgrade(folder, before)
        log.info("the database is upgraded from schema %d to %d; a copy is kept in %s", before, newest, copy)
    migrate(connection)
    if before:
        log.info("the database now has schema %d", schema(connection))


def copy_before_upgrade(folder: Folder, version: int) -> Path:
    """Copy the database beside itself, and return the path of the copy. Raises Refused."""
    copy = folder.path / f"{folder.database.name}.{COPY_SUFFIX}{version}"
    try:
        with whole_file(copy) as part:
            copy_database(folder.database, part)
    except (OSError, sqlite3.Error) as error:
        raise Refused(
            message=f"the database in {folder.path} is of an earlier version, and the copy that is made before it is "
            f"changed cannot be written: {error}; nothing was changed. Make room for the copy and start again"
        ) from None
    for earlier in folder.path.glob(f"{folder.database.name}.{COPY_SUFFIX}*"):
        if earlier != copy:
            earlier.unlink()
    return copy
