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

from livewall.errors import LivewallError, Refused
from livewall.store.folder import Folder, write_durably
from livewall.store.sqlite import check_version, connect, migrate, schema
from livewall.store.store import new_epoch, set_meta

SECRET = "secret"
KEYS = "voter_keys"


def backup(data: Path, file: Path) -> None:
    """Write a consistent copy of DATA's database to `file`, which must not exist. A running server goes on.

    The copy has no nonce, so whoever opens it gives it a new epoch. Raises Refused, OSError and sqlite3.Error.
    """
    source = Folder(data).database
    if not source.exists():
        raise Refused(message=f"there is no database in {data}")
    try:
        # Made before anything is in it: nobody else can ever read it.
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise Refused(message=f"{file} exists already; give another name or remove it first") from None
    try:
        _copy(source, file, keys_of(data))
    except BaseException:
        file.unlink(missing_ok=True)  # half a backup is worse than none
        raise


def _copy(source: Path, file: Path, keys: str | None) -> None:
    connection = connect(source, writer=False)
    try:
        connection.execute("PRAGMA query_only = OFF")
        connection.execute("VACUUM INTO :file", {"file": str(file)})
    finally:
        connection.close()
    copy = sqlite3.connect(file, isolation_level=None)
    try:
        copy.execute("DELETE FROM meta WHERE name = 'nonce'")
        if keys is not None:
            set_meta(copy, KEYS, keys)
    finally:
        copy.close()
    # Neither of the two need have reached the disk.
    handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def restore(data: Path, file: Path) -> None:
    """Put a backup in the place of DATA's database, with a new epoch. No server may be running on DATA.

    What was there is kept beside it: `livewall.db.before-restore`, and `secret.before-restore` where the voters' keys
    were others. The admin's token stays DATA's own. Raises Refused, LivewallError, OSError and sqlite3.Error.
    """
    if not file.exists():
        raise Refused(message=f"there is no file {file}")
    check(file)
    folder = Folder(data)
    folder.lock()
    try:
        fresh = folder.path / ".restoring.db"
        fresh.unlink(missing_ok=True)
        shutil.copyfile(file, fresh)
        fresh.chmod(0o600)
        connection = sqlite3.connect(fresh, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
            renew(connection)
            keys = take_keys(connection)
        finally:
            connection.close()
        if folder.database.exists():
            put_aside(folder.database)
        fresh.replace(folder.database)
        (folder.path / "nonce").unlink(missing_ok=True)
        if keys is not None:
            put_keys(data, keys)
        give_to_owner(folder.path)
    finally:
        folder.unlock()


def restore_in_place(data: Path) -> None:
    """Renew the epoch of a data folder that was put back as a whole, so that no reader takes it for the newer one."""
    folder = Folder(data)
    if not folder.database.exists():
        raise Refused(message=f"there is no database in {data}")
    folder.lock()
    try:
        connection = connect(folder.database, writer=True)
        try:
            migrate(connection)
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


def keys_of(data: Path) -> str | None:
    """The keys in DATA/secret that belong to the ballots, as text; None before the first start."""
    try:
        held = json.loads((data / SECRET).read_text())
    except FileNotFoundError:
        return None
    return json.dumps({name: held[name] for name in ("cookie", "ballot")})


def take_keys(connection: sqlite3.Connection) -> str | None:
    """Take the keys out of a backup; they do not stay in a database that is served."""
    row = connection.execute("SELECT value FROM meta WHERE name = :name", {"name": KEYS}).fetchone()
    connection.execute("DELETE FROM meta WHERE name = :name", {"name": KEYS})
    return str(row[0]) if row else None


def put_keys(data: Path, keys: str) -> None:
    """Make the keys of a backup DATA's own, beside the admin's token that DATA has, or a new one."""
    path = data / SECRET
    mine = json.loads(keys)
    try:
        held = json.loads(path.read_text())
        if {name: held.get(name) for name in mine} == mine:
            return
        path.replace(path.with_name(f"{SECRET}.before-restore"))
    except FileNotFoundError:
        held = {"admin": token_urlsafe(32)}
    write_durably(path, json.dumps(held | mine).encode())


def give_to_owner(folder: Path) -> None:
    """What root puts back belongs to whoever owns the folder: the server must be able to open it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        for path in folder.iterdir():
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def put_aside(database: Path) -> None:
    """Keep what was there, also when it is damaged: that is what a backup is for."""
    aside = database.with_name(database.name + ".before-restore")
    for rest in ("", "-wal", "-shm"):
        aside.with_name(aside.name + rest).unlink(missing_ok=True)
    try:
        settle(database)
    except sqlite3.Error:
        pass  # what the log holds stays in the log
    wal = database.with_name(database.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        wal.replace(aside.with_name(aside.name + "-wal"))
    wal.unlink(missing_ok=True)
    database.with_name(database.name + "-shm").unlink(missing_ok=True)
    database.replace(aside)


def settle(database: Path) -> None:
    """Bring what the write-ahead log holds into the file itself."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def check(file: Path) -> None:
    """Raise unless `file` is a sound database of Livewall that this version can open."""
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            sound = connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            version = schema(connection)
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise LivewallError("conflict", f"{file} is not a backup of Livewall: {error}") from None
    if not sound:
        raise LivewallError("conflict", f"{file} is damaged")
    check_version(version)
