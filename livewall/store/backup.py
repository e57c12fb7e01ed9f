"""Copies of the database: made while a server runs, put back while none does, always with an epoch of their own.

A copy holds the keys by which voters are known: ballots without them would let everybody vote a second time.
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

SECRET = "secret"
KEYS = "voter_keys"
MAGIC = b"SQLite format 3\0"
CUT = "is damaged or was not written to its end; restore another backup"
ASIDE = ".before-restore"


def backup(data: Path, file: Path) -> None:
    """Write a consistent copy of DATA's database to `file`, which must not exist. A running server goes on.

    The copy has no nonce, so whoever opens it gives it a new epoch. Raises Refused, OSError and sqlite3.Error.
    """
    source = Folder(data).database
    if not source.exists():
        raise Refused(message=f"there is no database in {data}")
    remove_leftovers(file.parent, begin=MAGIC)  # backups have a date in their names: this one is never written again
    try:
        with whole_file(file, fresh=True) as part:
            copy_database(source, part, **keys_of(data))
    except FileExistsError:
        raise Refused(message=f"the file {file} exists already; give another name or remove it first") from None


def restore(data: Path, file: Path) -> None:
    """Put a backup in the place of DATA's database, with a new epoch. No server may be running on DATA.

    What was there is kept beside it: `livewall.db.before-restore`, and `secret.before-restore` where the voters' keys
    were others. The admin's token stays DATA's own. The file is only read, and may lie where nothing can be written.
    Killed at any moment, DATA holds the one database or the other. Raises Refused, LivewallError, OSError and
    sqlite3.Error.
    """
    look_at(file)
    folder = Folder(data)
    folder.lock()
    try:
        with whole_file(folder.database) as fresh:
            shutil.copyfile(file, fresh)
            wal = file.with_name(file.name + "-wal")  # of a copy that was made by other means
            if wal.exists():
                shutil.copyfile(wal, fresh.with_name(fresh.name + "-wal"))
            check(fresh, called=file)
            connection = sqlite3.connect(fresh, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = DELETE")
                renew(connection)
            finally:
                connection.close()
            if folder.database.exists():
                put_aside(folder.database)
        finish_restore(folder)
        (folder.path / NONCE).unlink(missing_ok=True)
        give_to_owner(folder.path)
    finally:
        folder.unlock()


def finish_restore(folder: Folder) -> None:
    """Take the voters' keys out of a database that was put in place: they do not stay in one that is served.

    A restore that was killed before this is finished by the next start.
    """
    if not folder.database.exists():
        return
    connection = sqlite3.connect(folder.database, isolation_level=None)
    try:
        if not schema(connection):
            return
        row = connection.execute("SELECT value FROM meta WHERE name = :name", {"name": KEYS}).fetchone()
        if row:
            put_keys(folder.path, str(row[0]))
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("DELETE FROM meta WHERE name = :name", {"name": KEYS})
    finally:
        connection.close()


def restore_in_place(data: Path) -> None:
    """Renew the epoch of a data folder that was put back as a whole, so that no reader takes it for the newer one."""
    folder = Folder(data)
    if not folder.database.exists():
        raise Refused(message=f"there is no database in {data}")
    folder.lock()
    try:
        connection = connect(folder.database, writer=True)
        try:
            upgrade(connection, folder)
            renew(connection)
        finally:
            connection.close()
    finally:
        folder.unlock()


def renew(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    set_meta(connection, "epoch", new_epoch())
    connection.execute("DELETE FROM meta WHERE name = 'nonce'")
    connection.execute("COMMIT")


def keys_of(data: Path) -> dict[str, str]:
    """The keys in DATA/secret that belong to the ballots, as text under the name they have in a backup; none before
    the first start."""
    try:
        held = json.loads((data / SECRET).read_text())
    except FileNotFoundError:
        return {}
    return {KEYS: json.dumps({name: held[name] for name in ("cookie", "ballot")})}


def put_keys(data: Path, keys: str) -> None:
    """Make the keys of a backup DATA's own, beside the admin's token that DATA has, or a new one."""
    path = data / SECRET
    mine = json.loads(keys)
    try:
        held = json.loads(path.read_text())
        if {name: held.get(name) for name in mine} == mine:
            return
        keep_as(path, path.with_name(SECRET + ASIDE))
    except FileNotFoundError:
        held = {"admin": token_urlsafe(32)}
    write_whole(path, json.dumps(held | mine).encode())


def give_to_owner(folder: Path) -> None:
    """What root puts back belongs to whoever owns the folder: the server must be able to open it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        for path in folder.iterdir():
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def put_aside(database: Path) -> None:
    """Keep what is there under another name too, also when it is damaged: that is what a backup is for.

    Its write-ahead log must be gone before another database takes its name.
    """
    aside = database.with_name(database.name + ASIDE)
    for rest in ("-wal", "-shm"):
        aside.with_name(aside.name + rest).unlink(missing_ok=True)
    try:
        settle(database)
    except sqlite3.Error:
        pass  # what the log holds stays in the log
    keep_as(Path(os.path.realpath(database)), aside)
    wal = database.with_name(database.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        wal.replace(aside.with_name(aside.name + "-wal"))
    wal.unlink(missing_ok=True)
    database.with_name(database.name + "-shm").unlink(missing_ok=True)
    sync_folder(database.parent)


def settle(database: Path) -> None:
    """Bring what the write-ahead log holds into the file itself."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def look_at(file: Path) -> None:
    """Refuse what can be seen from outside to be no backup, before anything is touched. Raises Refused, OSError."""
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
        begin = opened.read(100)
    if not begin:
        raise Refused(message=f"the file {file} is empty: the backup was interrupted; restore another one")
    if not begin.startswith(MAGIC):
        raise Refused(message=f"the file {file} is not a backup of Livewall: it is not an SQLite database")
    # SQLite itself does not miss a part of the last page. https://www.sqlite.org/fileformat.html#the_database_header
    page, pages = int.from_bytes(begin[16:18]), int.from_bytes(begin[28:32])
    if file.stat().st_size < pages * (65536 if page == 1 else page):
        raise Refused(message=f"the file {file} {CUT}")


def check(file: Path, called: Path | None = None) -> None:
    """Raise unless `file` is a sound database of Livewall that this version can open; `called` is its name."""
    called = called or file
    try:
        connection = sqlite3.connect(file, isolation_level=None)
        try:
            sound = connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            version = schema(connection)
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise LivewallError("conflict", f"the file {called} {CUT} ({error})") from None
    if not sound:
        raise LivewallError("conflict", f"the file {called} {CUT}")
    if version < 1 or not {"streams", "polls"} <= tables:
        raise LivewallError("conflict", f"the file {called} is an SQLite database, but not a backup of Livewall")
    check_version(version)
