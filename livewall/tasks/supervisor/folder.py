"""The folder of one attempt: the names of its files, the claim, the lock and the exit file."""

from __future__ import annotations

import errno
import fcntl
import json
import os

CLAIM = "claim"
LOCK = "lock"
BEGAN = "began"
OUTPUT = "output"
TIMES = "times"
VALUES = "values"
INPUT = "input"
REASON = "reason"
LOST = "lost"
HOST_KEY = "host_key"
EXIT = "exit"
EXIT_NEW = "exit.new"

INPUT_VARIABLE = "LIVEWALL_INPUT"
"""The variable that names the input of a program of Livewall (`livewall/tasks/programs`)."""

RESERVED_BYTES = 8192
"""Bytes allocated for the exit file in advance, so that it can be written on a full disk."""
MAX_MESSAGE = 600
"""The maximum length of a message, in characters."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


class Folder:
    """An open folder. Names are looked up relative to its descriptor, so it may be moved while it is in use."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.resumed = False
        """Whether an earlier supervisor of the attempt was killed, and this one goes on."""

    def claim(self, *, again: bool = False) -> bool:
        """Lock the attempt for the life of this process, then claim it for good. Return False if it is taken.

        With `again`, an attempt that is claimed, but has no result and no supervisor, is taken over (`resumed`).

        A POSIX lock belongs to the process: no child inherits it, and F_GETLK names its holder. Closing any descriptor
        of the file releases it, so the file is opened once and never closed.
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
            self.resumed = again and not self._has_result()
            return self.resumed
        self.sync()  # if a power failure lost the claim, the step would run twice
        return True

    def _has_result(self) -> bool:
        """Whether the attempt has ended. The claim is not empty if it was cancelled before it started."""
        if os.stat(CLAIM, dir_fd=self.fd).st_size:
            return True
        try:
            os.stat(EXIT, dir_fd=self.fd)
        except FileNotFoundError:
            return False
        return True

    def read_at(self, name: str, offset: int, count: int) -> bytes:
        """Return a small part of a file of this folder, or nothing where there is none."""
        if offset < 0:
            return b""
        try:
            file = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.fd)
        except FileNotFoundError:
            return b""
        try:
            return os.pread(file, count, offset)
        finally:
            os.close(file)

    def create(self, name: str, flags: int = os.O_TRUNC) -> int:
        """Open a file of this folder for writing, and return its descriptor."""
        return os.open(name, _CREATE | flags, 0o600, dir_fd=self.fd)

    def sync(self) -> None:
        """Flush the folder's entries to the disk, where the file system supports that."""
        try:
            os.fsync(self.fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise


class ExitFile:
    """The file with the result. Its space is allocated at the start, and it appears complete, by renaming."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._file = folder.create(EXIT_NEW)

    def reserve(self) -> bool:
        """Allocate the space, so that a disk that fills up does not lose the result.

        Return False if it is full already.
        """
        try:
            os.posix_fallocate(self._file, 0, RESERVED_BYTES)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise
        return True

    def write(self, record: dict[str, object]) -> None:
        """Write the result. Raises OSError, most likely because the folder was deleted."""
        text = json.dumps(record).encode()
        os.pwrite(self._file, text, 0)
        os.ftruncate(self._file, len(text))
        os.fsync(self._file)
        os.rename(EXIT_NEW, EXIT, src_dir_fd=self._folder.fd, dst_dir_fd=self._folder.fd)
        self._folder.sync()
