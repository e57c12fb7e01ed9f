"""Backups of the database: made also while a server runs, restored while none does, each with an epoch of its own.

A backup holds the keys by which voters are recognized. Without them, everybody could vote a second time.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path
from secrets import token_urlsafe

from livewall.atomic_file import keep_as, remove_leftovers, sync_folder, whole_file, write_whole
from livewall.errors import LivewallError, Refused
from livewall.store.folder import NONCE, Folder
from livewall.store.sqlite import check_version, connect, copy_database, schema, set_meta
from livewall.store.store import new_epoch
from livewall.store.upgrade import upgrade

SECRET_FILE = "secret"
KEYS = "voter_keys"
MAGIC = b"SQLite format 3\0"
INCOMPLETE = "is damaged or incomplete; restore another backup"
ASIDE_SUFFIX = ".before-restore"


def backup(data: Path, file: Path) -> None:
    """Write a consistent copy of DATA's database to `file`, which must not exist. A server may be running.

    The copy has no nonce, so it gets a new epoch when it is opened. Raises Refused, OSError and sqlite3.Error.
    """
    source = Folder(data).database
    if not source.exists():
        raise Refused(message=f"there is no database in {data}")
    remove_leftovers(file.parent, begin=MAGIC)  # names of backups have dates, so no later backup would remove them
    try:
        with whole_file(file, fresh=True) as part:
            copy_database(source, part, **keys_of(data))
    except FileExistsError:
        raise Refused(message=f"the file {file} exists already; give another name or remove it first") from None


def restore(data: Path, file: Path) -> None:
    """Replace DATA's database by a backup, with a new epoch. No server may be running on DATA.

    The old database is kept as `livewall.db.before-restore`, and the old voters' keys, if they differ, as
    `secret.before-restore`. The admin's token of DATA stays. The file is only read, so it may lie on a read-only file
    system. If the process is killed at any moment, DATA holds either the old or the new database. Raises Refused,
    LivewallError, OSError and sqlite3.Error.
    """
    check_file(file)
    folder = Folder(data)
    folder.lock()
    try:
        with whole_file(folder.database) as fresh:
            shutil.copyfile(file, fresh)
            wal = file.with_name(file.name + "-wal")  # of a copy that was made by other means
            if wal.exists():
                shutil.copyfile(wal, fresh.with_name(fresh.name + "-wal"))
            check_database(fresh, shown_as=file)
            connection = sqlite3.connect(fresh, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = DELETE")
                renew_epoch(connection)
            finally:
                connection.close()
            if folder.database.exists():
                set_database_aside(folder.database)
        finish_restore(folder)
        (folder.path / NONCE).unlink(missing_ok=True)
        chown_to_owner(folder.path)
    finally:
        folder.unlock()


def finish_restore(folder: Folder) -> None:
    """Move the voters' keys from a restored database to the file `secret`: a database in use must not hold them.

    If a restore is killed before this, the next start of a server does it.
    """
    if not folder.database.exists():
        return
    connection = sqlite3.connect(folder.database, isolation_level=None)
    try:
        if not schema(connection):
            return
        row = connection.execute("SELECT value FROM meta WHERE name = :name", {"name": KEYS}).fetchone()
        if row:
            install_keys(folder.path, str(row[0]))
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("DELETE FROM meta WHERE name = :name", {"name": KEYS})
    finally:
        connection.close()


def restore_in_place(data: Path) -> None:
    """Renew the epoch of a data folder that was restored as a whole, so that readers do not resume from newer
    positions.
    """
    folder = Folder(data)
    if not folder.database.exists():
        raise Refused(message=f"there is no database in {data}")
    folder.lock()
    try:
        connection = connect(folder.database, writer=True)
        try:
            upgrade(connection, folder)
            renew_epoch(connection)
        finally:
            connection.close()
    finally:
        folder.unlock()


def renew_epoch(connection: sqlite3.Connection) -> None:
    """Give the database a new epoch, and remove the nonce."""
    connection.execute("BEGIN IMMEDIATE")
    set_meta(connection, "epoch", new_epoch())
    connection.execute("DELETE FROM meta WHERE name = 'nonce'")
    connection.execute("COMMIT")


def keys_of(data: Path) -> dict[str, str]:
    """Return the keys in DATA/secret that belong to the ballots, as the entry of a backup's `meta` table.

    It is empty before the first start of a server.
    """
    try:
        secrets = json.loads((data / SECRET_FILE).read_text())
    except FileNotFoundError:
        return {}
    return {KEYS: json.dumps({name: secrets[name] for name in ("cookie", "ballot")})}


def install_keys(data: Path, keys: str) -> None:
    """Write the keys of a backup to DATA/secret. The admin's token there stays; without one, a new token is made."""
    path = data / SECRET_FILE
    restored = json.loads(keys)
    try:
        secrets = json.loads(path.read_text())
        if {name: secrets.get(name) for name in restored} == restored:
            return
        keep_as(path, path.with_name(SECRET_FILE + ASIDE_SUFFIX))
    except FileNotFoundError:
        secrets = {"admin": token_urlsafe(32)}
    write_whole(path, json.dumps(secrets | restored).encode())


def chown_to_owner(folder: Path) -> None:
    """Give what root restored to the owner of the folder, as whom the server runs."""
    if os.geteuid() == 0:
        owner = folder.stat()
        for path in folder.iterdir():
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def set_database_aside(database: Path) -> None:
    """Keep the database under another name as well, even if it is damaged.

    Its write-ahead log must be gone before another database takes its name: SQLite would apply it to that one.
    """
    aside = database.with_name(database.name + ASIDE_SUFFIX)
    for suffix in ("-wal", "-shm"):
        aside.with_name(aside.name + suffix).unlink(missing_ok=True)
    try:
        checkpoint(database)
    except sqlite3.Error:
        pass  # the write-ahead log is kept beside the copy
    keep_as(Path(os.path.realpath(database)), aside)
    wal = database.with_name(database.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        wal.replace(aside.with_name(aside.name + "-wal"))
    wal.unlink(missing_ok=True)
    database.with_name(database.name + "-shm").unlink(missing_ok=True)
    sync_folder(database.parent)


def checkpoint(database: Path) -> None:
    """Move the contents of the write-ahead log into the database."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def check_file(file: Path) -> None:
    """Refuse a file that is evidently no backup, before anything is changed. Raises Refused, OSError."""
    if not file.exists():
        raise Refused(message=f"there is no file {file}")
    if not file.is_file():
        raise Refused(message=f"{'the folder' if file.is_dir() else 'the pipe or device'} {file} is not a backup")
    journal = file.with_name(file.name + "-journal")
    if journal.exists():
        raise Refused(
            message=f"the file {file} is not complete: what wrote it was interrupted and left {journal.name} beside it"
        )
    with file.open("rb") as opened:
        header = opened.read(100)
    if not header:
        raise Refused(message=f"the file {file} is empty: the backup was interrupted; restore another one")
    if not header.startswith(MAGIC):
        raise Refused(message=f"the file {file} is not a backup of Livewall: it is not an SQLite database")
    # SQLite does not notice that a part of the last page is missing. The header gives the size:
    # https://www.sqlite.org/fileformat.html#the_database_header
    page, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    if file.stat().st_size < pages * (65536 if page == 1 else page):
        raise Refused(message=f"the file {file} {INCOMPLETE}")


def check_database(file: Path, shown_as: Path | None = None) -> None:
    """Raise LivewallError unless `file` is an intact database that this version can open; messages call it
    `shown_as`."""
    shown_as = shown_as or file
    try:
        connection = sqlite3.connect(file, isolation_level=None)
        try:
            sound = connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            version = schema(connection)
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise LivewallError("conflict", f"the file {shown_as} {INCOMPLETE} ({error})") from None
    if not sound:
        raise LivewallError("conflict", f"the file {shown_as} {INCOMPLETE}")
    if version < 1 or not {"streams", "polls"} <= tables:
        raise LivewallError("conflict", f"the file {shown_as} is an SQLite database, but not a backup of Livewall")
    check_version(version)
