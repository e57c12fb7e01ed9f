"""The data folder: its files, the lock that lets only one server use it, and modes that keep other users out."""

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

GROUP_AND_OTHERS = 0o077
"""The permission bits of group and others; also the umask of every process that writes into the folder."""
SUBFOLDERS = frozenset({"tasks", "pipelines"})
"""The folders that Livewall makes in DATA."""


class FolderInUse(LivewallError):
    """Another server holds this data folder."""

    default = "conflict"


class Folder:
    """The data folder. It is made with mode 0700 if it does not exist; `lock` closes an existing one to other users."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock: int | None = None
        self._closing: tuple[int, list[Path]] = 0, []

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    def lock(self) -> None:
        """Lock the folder until this process ends, and close it to other users. Raises FolderInUse, OSError."""
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
        self._closing = close_to_others(self.path)

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def log_opened_modes(self) -> None:
        """Log once what other users could read when the folder was locked."""
        changed, not_changed = self._closing
        if changed:
            log.info(
                "the data folder %s could be read by other users: the modes of %d of its files and folders are now "
                "0600 and 0700",
                self.path,
                changed,
            )
        for path in not_changed:
            log.warning("%s can be read by other users and belongs to another user: change its mode to 0600", path)
        self._closing = 0, []

    def create_database(self) -> Path:
        """Return the path of the database.

        A missing file is made here with mode 0600, because SQLite uses the umask.
        """
        os.close(os.open(self.database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return self.database

    def nonces(self) -> list[str]:
        """Return the nonces beside the database: that of the last start and, while one is under way, also the one
        before.
        """
        try:
            return (self.path / NONCE).read_text().split()
        except FileNotFoundError:
            return []

    def write_nonces(self, *nonces: str) -> None:
        write_whole(self.path / NONCE, "\n".join(nonces).encode())


def close_to_others(data: Path) -> tuple[int, list[Path]]:
    """Remove the permissions of other users from everything in `data`.

    Return how many modes were changed, and the paths of which the mode could not be changed. Files in the working
    folders of steps stay as they are, since nobody can get there. Links are not followed.
    """
    changed, failed = 0, []
    for path, mode in _accessible_to_others(data):
        try:
            path.chmod(stat.S_IMODE(mode) & ~GROUP_AND_OTHERS)
            changed += 1
        except FileNotFoundError:
            pass
        except OSError:
            failed.append(path)
    return changed, failed


def _accessible_to_others(data: Path) -> Iterator[tuple[Path, int]]:
    """Yield paths that other users can access, and their modes.

    A folder comes before its contents: once it is closed, nobody else can put a link in the place of a file.
    """
    if (mode := data.stat().st_mode) & GROUP_AND_OTHERS:
        yield data, mode
    # If DATA is a home directory, it is closed at its top, but only Livewall's own folders in it are changed.
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
            relative = path.relative_to(data).parts
            if home and relative[0] not in SUBFOLDERS and stat.S_ISDIR(mode):
                continue
            if mode & GROUP_AND_OTHERS:
                yield path, mode
            if stat.S_ISDIR(mode) and not (relative[0] == "tasks" and len(relative) == 3 and relative[2] == "work"):
                waiting.append(path)
