"""The local side of an upload: what is to be sent, read and hashed. It blocks, so it is called in a thread."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from livewall.tasks.connector.problems import Failed

HASH_BYTES = 1 << 20


class Entry(NamedTuple):
    """A file, folder or symbolic link; `name` is relative to what is uploaded, and empty for that itself."""

    name: bytes
    kind: str
    mode: int
    size: int = 0
    link: bytes = b""


class Source:
    """An open file that is read once, from its beginning, and hashed meanwhile."""

    def __init__(self, path: bytes) -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise Failed(f"what is to be uploaded cannot be read: {(error.strerror or 'error').lower()}") from None
        self.size = os.fstat(self._file).st_size
        self._hash = hashlib.sha256()
        self._read = 0

    def close(self) -> None:
        os.close(self._file)

    def read(self, count: int) -> bytes:
        """Return the next bytes, fewer only at the end. Raises Failed."""
        try:
            data = os.read(self._file, count)
        except OSError as error:
            raise Failed(f"what is to be uploaded cannot be read: {(error.strerror or 'error').lower()}") from None
        self._hash.update(data)
        self._read += len(data)
        return data

    def skip(self, offset: int) -> None:
        """Read and hash up to an offset. Raises Failed."""
        while self._read < offset and self.read(min(HASH_BYTES, offset - self._read)):
            pass

    def digest(self) -> str:
        """Return the hash of the whole file. Raises Failed if it was changed meanwhile."""
        self.skip(self.size)
        if self._read != self.size or os.fstat(self._file).st_size != self.size:
            raise Failed("the file was changed while it was uploaded")
        return self._hash.hexdigest()


def digest(path: bytes) -> str:
    """Return the SHA-256 of a file. Raises Failed."""
    source = Source(path)
    try:
        return source.digest()
    finally:
        source.close()


def entries(root: bytes) -> list[Entry]:
    """Return what is to be uploaded: one file, or a folder and all that it holds, folders first. Raises Failed."""
    try:
        return list(_walk(root, b""))
    except OSError as error:
        raise Failed(f"what is to be uploaded cannot be read: {(error.strerror or 'error').lower()}") from None


def _walk(root: bytes, name: bytes) -> Iterator[Entry]:
    path = os.path.join(root, name) if name else root
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode) & 0o777
    if stat.S_ISREG(status.st_mode):
        yield Entry(name, "file", mode, status.st_size)
    elif stat.S_ISLNK(status.st_mode):
        yield Entry(name, "link", mode, link=os.readlink(path))
    elif stat.S_ISDIR(status.st_mode):
        yield Entry(name, "folder", mode)
        for child in sorted(os.listdir(path)):
            yield from _walk(root, os.path.join(name, child) if name else child)
    else:
        raise Failed("the folder holds something that is neither a file, a folder nor a symbolic link")
