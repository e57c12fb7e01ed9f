"""The data folder: which files are in it, that only one server uses them at a time, and that nobody else reads them."""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from livewall.atomic_file import remove_leftovers, write_whole
from livewall.errors import LivewallError

log = logging.getLogger(__name__)

DATABASE = "livewall.db"
NONCE = "nonce"
LOCK = "lock"

OTHERS = 0o077
"""The permissions that nobody but the owner has: also the umask of every process that writes into the folder."""
OURS = frozenset({"tasks", "pipelines"})
"""Folders that Livewall makes in DATA."""


class FolderInUse(LivewallError):
    """Another server holds this data folder."""

    default = "conflict"


class Folder:
    """DATA: made with mode 0700 where it does not exist, and closed to others by who takes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock: int | None = None
        self._closed: tuple[int, list[Path]] = 0, []

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    def lock(self) -> None:
        """Take the folder for this process until it ends, and close it to others; raises FolderInUse, OSError."""
        handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise FolderInUse(
                message=f"another server is using the data folder {self.path}; stop it, or give another with --data"
            ) from None
        self._lock = handle
        remove_leftovers(self.path)
        self._closed = close_to_others(self.path)

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def say_what_was_open(self) -> None:
        """Log, once, what of the folder other users could read when it was taken."""
        changed, left = self._closed
        if changed:
            log.info(
                "the data folder %s could be read by other users: the modes of %d of its files and folders are now "
                "0600 and 0700",
                self.path,
                changed,
            )
        for path in left:
            log.warning("%s can be read by other users and belongs to another user: change its mode to 0600", path)
        self._closed = 0, []

    def touch(self) -> Path:
        """The database, made empty and for its owner alone where there is none: SQLite would ask the umask."""
        os.close(os.open(self.database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return self.database

    def nonces(self) -> list[str]:
        """The nonces written beside the database: that of the last start, and while one is under way the one before."""
        try:
            return (self.path / NONCE).read_text().split()
        except FileNotFoundError:
            return []

    def write_nonces(self, *nonces: str) -> None:
        write_whole(self.path / NONCE, "\n".join(nonces).encode())



def close_to_others(data: Path) -> tuple[int, list[Path]]:
    """Take from everything in `data` what others may do with it: how much was changed, and what could not be.

    What steps made in their working folders stays as they made it: nobody can get there. Links are not followed.
    """
    changed, left = 0, []
    for path, mode in _open_to_others(data):
        try:
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)
            changed += 1
        except FileNotFoundError:
            pass
        except OSError:
            left.append(path)
    return changed, left


def _open_to_others(data: Path) -> Iterator[tuple[Path, int]]:
    """Folders come before what is in them: by then nobody else can put a link in its place."""
    if (mode := data.stat().st_mode) & OTHERS:
        yield data, mode
    # Somebody's home that is used as DATA is closed at its top; that the folders in it are Livewall's is not likely.
    home = Path.home().is_relative_to(data.absolute())
    waiting = [data]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
            except FileNotFoundError:
                continue
            if stat.S_ISLNK(mode):
                continue
            path = Path(entry.path)
            inside = path.relative_to(data).parts
            if home and inside[0] not in OURS and stat.S_ISDIR(mode):
                continue
            if mode & OTHERS:
                yield path, mode
            if stat.S_ISDIR(mode) and not (inside[0] == "tasks" and len(inside) == 3 and inside[2] == "work"):
                waiting.append(path)
