"""The data folder: which files are in it, and that only one server uses them at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from pathlib import Path

from livewall.errors import LivewallError

DATABASE = "livewall.db"
NONCE = "nonce"
LOCK = "lock"


class FolderInUse(LivewallError):
    """Another server holds this data folder."""

    default = "conflict"


class Folder:
    """DATA: made with mode 0700 where it does not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock: int | None = None

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    def lock(self) -> None:
        """Take the folder for this process until it ends; raises FolderInUse."""
        handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise FolderInUse(
                message=f"another server is using the data folder {self.path}; stop it, or give another with --data"
            ) from None
        self._lock = handle

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def nonces(self) -> list[str]:
        """The nonces written beside the database: that of the last start, and while one is under way the one before."""
        try:
            return (self.path / NONCE).read_text().split()
        except FileNotFoundError:
            return []

    def write_nonces(self, *nonces: str) -> None:
        write_durably(self.path / NONCE, "\n".join(nonces).encode())


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a small file so that after a crash it holds either the old or the new content."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            if os.write(handle, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
