"""Files that appear under their name only when they are complete.

A file is written beside its final name, synchronized to the disk and then renamed, so no reader, crash or kill ever
finds half a file. The leftover of a killed writer is hidden (`.NAME.….part`), and the next writer removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE = 0o600
ORDINARY = 0o666
"""The permissions of a file that the umask decides."""
_LEFTOVER = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.part(?P<beside>|-journal|-wal|-shm)", re.DOTALL)


@contextmanager
def whole_file(path: Path, *, mode: int = PRIVATE, fresh: bool = False) -> Iterator[Path]:
    """Yield the path of an empty file to fill. It becomes `path` at the end, and is removed after an error.

    A symbolic link is followed. With `fresh`, `path` must not exist: FileExistsError, at the beginning or at the end.
    Raises OSError.
    """
    path = Path(os.path.realpath(path)) if not fresh else path
    if fresh and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    remove_leftovers(path.parent, path.name)
    part, handle = _begin(path, mode)
    try:
        try:
            yield part
            os.fsync(handle)
            _name(part, path, fresh=fresh)
        finally:
            os.close(handle)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Write `path` so that it holds either its old content or all of `data`. An existing file keeps its mode.

    A pipe, a terminal or another special file (/dev/stdout, wherever it leads) is written to directly. Raises OSError.
    """
    if is_stream(path):
        with open(path, "wb") as stream:
            stream.write(data)
        return
    if mode != PRIVATE:
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.stat().st_mode)
    with whole_file(path, mode=mode) as part, open(part, "r+b") as file:
        if mode not in (PRIVATE, ORDINARY):
            os.fchmod(file.fileno(), mode)
        file.write(data)


def is_stream(path: Path) -> bool:
    """Return whether `path` leads to something other than a regular file of its own: a device, a pipe, a descriptor."""
    for _ in range(40):
        if path.absolute().is_relative_to("/proc"):
            return True
        try:
            path = path.parent / os.readlink(path)
        except OSError:
            break
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def keep_as(path: Path, kept: Path) -> None:
    """Make `kept` another name of the file `path`, atomically replacing what `kept` named before; `path` remains.
    Raises OSError."""
    part = _part_of(kept)
    try:
        try:
            os.link(path, part)
        except OSError as error:
            if not _no_links(error):
                raise
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
            shutil.copyfile(path, part)
        os.replace(part, kept)
    finally:
        part.unlink(missing_ok=True)  # renaming between two names of one file does nothing
    sync_folder(kept.parent)


def remove_leftovers(folder: Path, name: str = "", *, begin: bytes = b"") -> None:
    """Remove the leftovers of killed writers of `name`, or of anything in the folder. A writer that is alive holds a
    lock.

    With `begin`, only leftovers whose content begins so, or is still shorter, are removed.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return  # the writer that meets the same error reports it
    for each in sorted(names):
        match = _LEFTOVER.fullmatch(each)
        if match is None or (name and match["name"] != _short(name)):
            continue
        with suppress(OSError):
            if not match["beside"]:
                _remove_unlocked(folder / each, begin)
            elif not os.path.lexists(folder / each.removesuffix(match["beside"])):
                os.unlink(folder / each)


def _remove_unlocked(part: Path, begin: bytes) -> None:
    handle = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        content = os.read(handle, len(begin))
        if content == begin or not content.strip(b"\0"):  # SQLite writes the first page last
            part.unlink()
    finally:
        os.close(handle)


def _begin(path: Path, mode: int) -> tuple[Path, int]:
    """Return a locked, empty file beside `path`."""
    while True:
        part = _part_of(path)
        try:
            handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        except OSError as error:
            error.filename = str(path)  # the name is the one that somebody gave
            raise
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:  # otherwise another writer took it for a leftover before it was locked
            return part, handle
        os.close(handle)


def _part_of(path: Path) -> Path:
    return path.with_name(f".{_short(path.name)}.{secrets.token_hex(4)}.part")


def _short(name: str) -> str:
    """Return the name, shortened: a file name has at most 255 bytes, and a character up to four."""
    return name[:55]


def _name(part: Path, path: Path, *, fresh: bool) -> None:
    if not fresh:
        os.replace(part, path)
        return
    try:
        os.link(part, path)
    except OSError as error:
        if not _no_links(error):
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.rename(part, path)
    else:
        part.unlink()


def _no_links(error: OSError) -> bool:
    """Return whether this file system has no hard links, as on a memory stick."""
    return error.errno in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EXDEV)


def sync_folder(folder: Path) -> None:
    """Synchronize the names in `folder` to the disk, so that they survive a power failure, where the file system
    can."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
