"""The folder of one attempt: the names of its files, the claim, the lock for life, the exit file."""

from __future__ import annotations

import errno
import fcntl
import json
import os

CLAIM = "claim"
LOCK = "lock"
OUTPUT = "output"
TIMES = "times"
VALUES = "values"
EXIT = "exit"
EXIT_NEW = "exit.new"

RESERVED = 8192
"""Bytes set aside for the exit file, so that a full disk does not lose it."""
MESSAGE = 600
"""Characters of a message that are kept."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


class Folder:
    """All names are looked up in the folder that was opened, wherever it is moved meanwhile."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def claim(self) -> bool:
        """Take the attempt: lock it for as long as this process lives, then claim it for ever. False: it is taken.

        A POSIX lock goes with the process that took it: no child inherits it, and F_GETLK names its holder. It would
        also go with any other descriptor of the file that is closed here; there is none.
        """
        lock = os.open(LOCK, _CREATE, 0o600, dir_fd=self.fd)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        try:
            os.close(self.create(CLAIM, os.O_EXCL))
        except FileExistsError:
            return False
        self.sync()  # a claim that a power failure forgets would let the step run twice
        return True

    def create(self, name: str, flags: int = os.O_TRUNC) -> int:
        """A descriptor of a file of this folder, to write to."""
        return os.open(name, _CREATE | flags, 0o600, dir_fd=self.fd)

    def sync(self) -> None:
        """See to it that its names outlast a power failure, where the file system can."""
        try:
            os.fsync(self.fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise


class ExitFile:
    """How the attempt ended. Its space is taken at the start, and it appears at once and whole."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._file = folder.create(EXIT_NEW)

    def reserve(self) -> bool:
        """Take the space, so that a disk that fills up does not lose the end. False: the disk is full already."""
        try:
            os.posix_fallocate(self._file, 0, RESERVED)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise
        return True

    def write(self, record: dict[str, object]) -> None:
        """Raises OSError, most likely because the folder was deleted."""
        text = json.dumps(record).encode()
        os.pwrite(self._file, text, 0)
        os.ftruncate(self._file, len(text))
        os.fsync(self._file)
        os.rename(EXIT_NEW, EXIT, src_dir_fd=self._folder.fd, dst_dir_fd=self._folder.fd)
        self._folder.sync()
